# fish completion for lms. Written by `python -m tools.cli_files`: change the commands, not this file.

# The path of commands typed so far, options left out: `lms server start`.
function __lms_path
    set -l path lms
    for word in (commandline -opc)[2..-1]
        switch "$path $word"
            case 'lms load' 'lms unload' 'lms ls' 'lms ps' 'lms status' 'lms version' 'lms server' 'lms server start' 'lms server stop' 'lms server status' 'lms log' 'lms log stream' 'lms daemon' 'lms daemon up' 'lms daemon down' 'lms daemon status'
                set path "$path $word"
        end
    end
    echo $path
end

function __lms_at
    test (__lms_path) = "$argv"
end

complete -c lms -f
complete -c lms -n '__lms_at lms' -a load -d 'Load a model'
complete -c lms -n '__lms_at lms' -a unload -d 'Unload a model'
complete -c lms -n '__lms_at lms' -a ls -d 'List the models on disk, or the variants of one'
complete -c lms -n '__lms_at lms' -a ps -d 'List the loaded models'
complete -c lms -n '__lms_at lms' -a status -d 'Show what is on and what is loaded'
complete -c lms -n '__lms_at lms' -a version -d 'Print the version'
complete -c lms -n '__lms_at lms' -a server -d 'The HTTP server that OpenAI and LM Studio clients talk to'
complete -c lms -n '__lms_at lms' -a log -d 'Watch what happens'
complete -c lms -n '__lms_at lms' -a daemon -d 'The service behind all other commands'
complete -c lms -n '__lms_at lms' -l version -s v -d 'Print the version, anywhere on the line.'
complete -c lms -n '__lms_at lms' -l help -s h -d 'Show this message and exit.'
complete -c lms -n '__lms_at lms load' -a '(lms complete models 2>/dev/null)'
complete -c lms -n '__lms_at lms load' -l gpu -x -a 'off max' -d 'Part of the model to put on the GPU. Default: all that fits.'
complete -c lms -n '__lms_at lms load' -l context-length -s c -x -a 'max' -d 'Context in tokens; max is the model\'s own limit.'
complete -c lms -n '__lms_at lms load' -l parallel -x -d 'Requests worked on at once.'
complete -c lms -n '__lms_at lms load' -l ttl -x -d 'Unload when idle this long. Default: never.'
complete -c lms -n '__lms_at lms load' -l identifier -x -d 'Name for the API. Default: the model\'s key.'
complete -c lms -n '__lms_at lms load' -l estimate-only -d 'Say what memory it would take, load nothing.'
complete -c lms -n '__lms_at lms load' -l yes -s y -d 'Ask nothing: of several matches take the first.'
complete -c lms -n '__lms_at lms load' -l exact -d 'The argument is a whole key or path, not a part of one.'
complete -c lms -n '__lms_at lms load' -l json -d 'Print JSON on stdout, errors as JSON on stderr.'
complete -c lms -n '__lms_at lms load' -l help -s h -d 'Show this message and exit.'
complete -c lms -n '__lms_at lms unload' -a '(lms complete identifiers 2>/dev/null)'
complete -c lms -n '__lms_at lms unload' -l all -s a -d 'Unload every model.'
complete -c lms -n '__lms_at lms unload' -l json -d 'Print JSON on stdout, errors as JSON on stderr.'
complete -c lms -n '__lms_at lms unload' -l help -s h -d 'Show this message and exit.'
complete -c lms -n '__lms_at lms ls' -a '(lms complete models 2>/dev/null)'
complete -c lms -n '__lms_at lms ls' -l llm -d 'Language models.'
complete -c lms -n '__lms_at lms ls' -l embedding -d 'Embedding models.'
complete -c lms -n '__lms_at lms ls' -l variants -d 'Show every variant of every model.'
complete -c lms -n '__lms_at lms ls' -l json -d 'Print JSON on stdout, errors as JSON on stderr.'
complete -c lms -n '__lms_at lms ls' -l help -s h -d 'Show this message and exit.'
complete -c lms -n '__lms_at lms ps' -l json -d 'Print JSON on stdout, errors as JSON on stderr.'
complete -c lms -n '__lms_at lms ps' -l help -s h -d 'Show this message and exit.'
complete -c lms -n '__lms_at lms status' -l json -d 'Print JSON on stdout, errors as JSON on stderr.'
complete -c lms -n '__lms_at lms status' -l help -s h -d 'Show this message and exit.'
complete -c lms -n '__lms_at lms version' -l json -d 'Print JSON on stdout, errors as JSON on stderr.'
complete -c lms -n '__lms_at lms version' -l help -s h -d 'Show this message and exit.'
complete -c lms -n '__lms_at lms server' -a start -d 'Start the server'
complete -c lms -n '__lms_at lms server' -a stop -d 'Stop the server'
complete -c lms -n '__lms_at lms server' -a status -d 'Say whether the server runs'
complete -c lms -n '__lms_at lms server' -l help -s h -d 'Show this message and exit.'
complete -c lms -n '__lms_at lms server start' -l port -s p -x -d 'Port; 0 takes a free one. Default: the last, else 1234.'
complete -c lms -n '__lms_at lms server start' -l bind -x -d 'Address. Default: LMS_SERVER_HOST, else 127.0.0.1.'
complete -c lms -n '__lms_at lms server start' -l cors -d 'Let web pages of any origin call the server.'
complete -c lms -n '__lms_at lms server start' -l json -d 'Print JSON on stdout, errors as JSON on stderr.'
complete -c lms -n '__lms_at lms server start' -l help -s h -d 'Show this message and exit.'
complete -c lms -n '__lms_at lms server stop' -l json -d 'Print JSON on stdout, errors as JSON on stderr.'
complete -c lms -n '__lms_at lms server stop' -l help -s h -d 'Show this message and exit.'
complete -c lms -n '__lms_at lms server status' -l json -d 'Print JSON on stdout, errors as JSON on stderr.'
complete -c lms -n '__lms_at lms server status' -l help -s h -d 'Show this message and exit.'
complete -c lms -n '__lms_at lms log' -a stream -d 'Print events as they come, until Ctrl-C'
complete -c lms -n '__lms_at lms log' -l help -s h -d 'Show this message and exit.'
complete -c lms -n '__lms_at lms log stream' -l source -s s -x -a 'model server runtime' -d 'Whose events.'
complete -c lms -n '__lms_at lms log stream' -l filter -x -a 'input output' -d 'Only what models are asked, or only answers.'
complete -c lms -n '__lms_at lms log stream' -l stats -d 'Show the figures of each answer. JSON always has them.'
complete -c lms -n '__lms_at lms log stream' -l json -d 'Print JSON on stdout, errors as JSON on stderr.'
complete -c lms -n '__lms_at lms log stream' -l help -s h -d 'Show this message and exit.'
complete -c lms -n '__lms_at lms daemon' -a up -d 'Start the daemon if it is not running'
complete -c lms -n '__lms_at lms daemon' -a down -d 'Unload all models, stop the server and end the daemon'
complete -c lms -n '__lms_at lms daemon' -a status -d 'Say whether the daemon runs'
complete -c lms -n '__lms_at lms daemon' -l help -s h -d 'Show this message and exit.'
complete -c lms -n '__lms_at lms daemon up' -l json -d 'Print JSON on stdout, errors as JSON on stderr.'
complete -c lms -n '__lms_at lms daemon up' -l help -s h -d 'Show this message and exit.'
complete -c lms -n '__lms_at lms daemon down' -l json -d 'Print JSON on stdout, errors as JSON on stderr.'
complete -c lms -n '__lms_at lms daemon down' -l help -s h -d 'Show this message and exit.'
complete -c lms -n '__lms_at lms daemon status' -l json -d 'Print JSON on stdout, errors as JSON on stderr.'
complete -c lms -n '__lms_at lms daemon status' -l help -s h -d 'Show this message and exit.'
