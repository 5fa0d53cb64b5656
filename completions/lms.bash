# bash completion for lms. Written by `python -m tools.cli_files`: change the commands, not this file.

_lms() {
    local line=${COMP_LINE:0:COMP_POINT} whole="" command=lms previous="" before="" files="" place=0
    local word words candidates
    read -ra words <<< "$line"
    case $line in
        *[[:space:]]) ;;
        *) whole=${words[${#words[@]} - 1]}; unset "words[${#words[@]} - 1]" ;;
    esac
    for word in "${words[@]:1}"; do
        case "$command $word" in
            "lms chat"|"lms get"|"lms load"|"lms unload"|"lms ls"|"lms ps"|"lms top"|"lms import"|"lms show"|"lms rm"|"lms verify"|"lms replay"|"lms launch"|"lms bench"|"lms status"|"lms version"|"lms uninstall"|"lms server"|"lms server start"|"lms server stop"|"lms server status"|"lms token"|"lms token create"|"lms token list"|"lms token revoke"|"lms config"|"lms config set"|"lms config get"|"lms config list"|"lms config unset"|"lms config path"|"lms config preset"|"lms config preset list"|"lms config preset show"|"lms config preset set"|"lms config preset unset"|"lms config preset remove"|"lms config preset path"|"lms log"|"lms log stream"|"lms log show"|"lms daemon"|"lms daemon up"|"lms daemon down"|"lms daemon status"|"lms daemon update"|"lms service"|"lms service install"|"lms service uninstall"|"lms service status"|"lms runtime"|"lms runtime ls"|"lms runtime survey") command="$command $word" place=0 ;;
            "$command -"*) ;;
            *) before=$word place=$((place + 1)) ;;
        esac
        previous=$word
    done
    case "$command $previous" in
        "lms chat --prompt"|"lms chat -p") candidates= ;;
        "lms chat --system-prompt"|"lms chat -s") candidates= ;;
        "lms chat --image"|"lms chat -i") candidates= files=yes ;;
        "lms chat --reasoning") candidates= ;;
        "lms chat --preset") candidates="$(lms complete presets 2>/dev/null)" ;;
        "lms chat --ttl") candidates= ;;
        "lms chat --chat") candidates= ;;
        "lms chat --delete") candidates= ;;
        "lms chat --host") candidates= ;;
        "lms chat --port") candidates= ;;
        "lms get --limit"|"lms get -n") candidates= ;;
        "lms get --host") candidates= ;;
        "lms get --port") candidates= ;;
        "lms load --gpu") candidates="off max" ;;
        "lms load --context-length"|"lms load -c") candidates="max" ;;
        "lms load --parallel") candidates= ;;
        "lms load --ttl") candidates= ;;
        "lms load --identifier") candidates= ;;
        "lms load --config") candidates= files=yes ;;
        "lms load --host") candidates= ;;
        "lms load --port") candidates= ;;
        "lms load --threads") candidates= ;;
        "lms load --batch-threads") candidates= ;;
        "lms load --batch-size") candidates= ;;
        "lms load --micro-batch-size") candidates= ;;
        "lms load --flash-attention") candidates="auto on off" ;;
        "lms load --kv-cache-type") candidates="f16 q8_0 q4_0" ;;
        "lms load --unified-kv") candidates="auto on off" ;;
        "lms load --speculation") candidates="off ngram" ;;
        "lms load --draft-model") candidates="$(lms complete models 2>/dev/null)" ;;
        "lms load --prompt-cache-mb") candidates= ;;
        "lms load --prompt-cache-disk-mb") candidates= ;;
        "lms load --overflow") candidates="refuse stopAtLimit truncateMiddle rollingWindow" ;;
        "lms load --main-gpu") candidates= ;;
        "lms load --tensor-split") candidates= ;;
        "lms load --lora") candidates= files=yes ;;
        "lms load --chat-template") candidates= files=yes ;;
        "lms load --num-experts") candidates= ;;
        "lms unload --host") candidates= ;;
        "lms unload --port") candidates= ;;
        "lms ls --host") candidates= ;;
        "lms ls --port") candidates= ;;
        "lms ps --host") candidates= ;;
        "lms ps --port") candidates= ;;
        "lms top --interval") candidates= ;;
        "lms top --count"|"lms top -n") candidates= ;;
        "lms import --user-repo") candidates= ;;
        "lms show --context-length"|"lms show -c") candidates="max" ;;
        "lms show --parallel") candidates= ;;
        "lms show --kv-cache-type") candidates="f16 q8_0 q4_0" ;;
        "lms launch --model"|"lms launch -m") candidates= ;;
        "lms launch --token") candidates= ;;
        "lms launch --ttl") candidates= ;;
        "lms bench --streams") candidates= ;;
        "lms bench --tokens") candidates= ;;
        "lms bench --prompt-words") candidates= ;;
        "lms bench --plot") candidates= files=yes ;;
        "lms status --host") candidates= ;;
        "lms status --port") candidates= ;;
        "lms server start --port"|"lms server start -p") candidates= ;;
        "lms server start --bind") candidates= ;;
        "lms server start --cors-origin") candidates= ;;
        "lms token create --name") candidates= ;;
        "lms token create --allow") candidates="inference models admin mcp all" ;;
        "lms token create --expires") candidates= ;;
        "lms log stream --source"|"lms log stream -s") candidates="model server runtime" ;;
        "lms log stream --filter") candidates="input output" ;;
        "lms log stream --host") candidates= ;;
        "lms log stream --port") candidates= ;;
        "lms log show --source"|"lms log show -s") candidates="all model server runtime" ;;
        "lms log show --since") candidates= ;;
        "lms log show --filter") candidates="input output" ;;
        "lms service install --user") candidates= ;;
        *)
            case "$command" in
                "lms") candidates="chat get load unload ls ps top import show rm verify replay launch bench status version uninstall server token config log daemon service runtime --version -v --install-completion --help -h" ;;
                "lms chat") candidates="--prompt -p --system-prompt -s --image -i --reasoning --preset --ttl --stats --save --continue --chat --list --delete --yes -y --host --port --json --help -h" ;;
                "lms get") candidates="--gguf --mlx --limit -n --always-show-download-options --select -a --yes -y --host --port --json --help -h" ;;
                "lms load") candidates="--gpu --context-length -c --parallel --ttl --identifier --pin --force --reuse --config --estimate-only --yes -y --exact --host --port --json --help -h --threads --batch-threads --batch-size --micro-batch-size --flash-attention --kv-cache-type --unified-kv --no-offload-kv-cache --no-mmap --mmap --mlock --no-mlock --speculation --draft-model --prompt-cache-mb --prompt-cache-disk-mb --overflow --main-gpu --tensor-split --lora --chat-template --num-experts" ;;
                "lms unload") candidates="--all -a --host --port --json --help -h" ;;
                "lms ls") candidates="--llm --embedding --variants --host --port --json --help -h" ;;
                "lms ps") candidates="--host --port --json --help -h" ;;
                "lms top") candidates="--interval --count -n --json --help -h" ;;
                "lms import") candidates="--yes -y --user-repo --copy -c --hard-link -L --symbolic-link -l --no-hash --dry-run --in-place --forget --json --help -h" ;;
                "lms show") candidates="--context-length -c --parallel --template --metadata --json --help -h --kv-cache-type" ;;
                "lms rm") candidates="--yes -y --dry-run --json --help -h" ;;
                "lms verify") candidates="--record --json --help -h" ;;
                "lms replay") candidates="--json --help -h" ;;
                "lms launch") candidates="--model -m --token --ttl --print --yes -y --json --help -h" ;;
                "lms bench") candidates="--streams --tokens --prompt-words --plot --yes -y --json --help -h" ;;
                "lms status") candidates="--host --port --json --help -h" ;;
                "lms version") candidates="--json --help -h" ;;
                "lms uninstall") candidates="--home --yes -y --json --help -h" ;;
                "lms server") candidates="start stop status --help -h" ;;
                "lms server start") candidates="--port -p --bind --cors --cors-origin --no-cors --require-auth --no-require-auth --json --help -h" ;;
                "lms server stop") candidates="--json --help -h" ;;
                "lms server status") candidates="--json --help -h" ;;
                "lms token") candidates="create list revoke --help -h" ;;
                "lms token create") candidates="--name --allow --expires --json --help -h" ;;
                "lms token list") candidates="--json --help -h" ;;
                "lms token revoke") candidates="--json --help -h" ;;
                "lms config") candidates="set get list unset path preset --json --help -h" ;;
                "lms config set") candidates="--json --help -h" ;;
                "lms config get") candidates="--json --help -h" ;;
                "lms config list") candidates="--json --help -h" ;;
                "lms config unset") candidates="--json --help -h" ;;
                "lms config path") candidates="--json --help -h" ;;
                "lms config preset") candidates="list show set unset remove path --help -h" ;;
                "lms config preset list") candidates="--json --help -h" ;;
                "lms config preset show") candidates="--json --help -h" ;;
                "lms config preset set") candidates="--json --help -h" ;;
                "lms config preset unset") candidates="--json --help -h" ;;
                "lms config preset remove") candidates="--json --help -h" ;;
                "lms config preset path") candidates="--json --help -h" ;;
                "lms log") candidates="stream show --help -h" ;;
                "lms log stream") candidates="--source -s --filter --stats --host --port --json --help -h" ;;
                "lms log show") candidates="--source -s --since --filter --stats --json --help -h" ;;
                "lms daemon") candidates="up down status update --help -h" ;;
                "lms daemon up") candidates="--json --help -h" ;;
                "lms daemon down") candidates="--json --help -h" ;;
                "lms daemon status") candidates="--json --help -h" ;;
                "lms daemon update") candidates="--json --help -h" ;;
                "lms service") candidates="install uninstall status --help -h" ;;
                "lms service install") candidates="--system --print --user --json --help -h" ;;
                "lms service uninstall") candidates="--system --json --help -h" ;;
                "lms service status") candidates="--json --help -h" ;;
                "lms runtime") candidates="ls survey --help -h" ;;
                "lms runtime ls") candidates="--json --help -h" ;;
                "lms runtime survey") candidates="--refresh --json --help -h" ;;
            esac
            case "$whole" in
                -*) ;;
                *)
                    case "$command" in
                        "lms chat") candidates="$(lms complete models 2>/dev/null)" ;;
                        "lms load") candidates="$(lms complete models 2>/dev/null)" ;;
                        "lms unload") candidates="$(lms complete identifiers 2>/dev/null)" ;;
                        "lms ls") candidates="$(lms complete models 2>/dev/null)" ;;
                        "lms import") candidates= files=yes ;;
                        "lms show") candidates="$(lms complete models 2>/dev/null)" ;;
                        "lms rm") candidates="$(lms complete models 2>/dev/null)" ;;
                        "lms verify") candidates="$(lms complete models 2>/dev/null)" ;;
                        "lms launch") case $place in  esac ;;
                        "lms bench") candidates="$(lms complete models 2>/dev/null)" ;;
                        "lms token revoke") candidates="$(lms complete tokens 2>/dev/null)" ;;
                        "lms config set") case $place in 0) candidates="server $(lms complete models 2>/dev/null)" ;; 1) case $before in server) candidates="allow_ephemeral_mcp allow_mcp_json cors host jit jit_max_models jit_ttl_s lenient log_disk_mb memory_budget_mb models_dir port queue_limit record require_auth response_days response_disk_mb separate_reasoning" ;; *) candidates="batch_size batch_threads chat_template context_length draft_model flash_attention frequency_penalty gpu_ratio k_cache_type lora main_gpu micro_batch_size min_p num_experts offload_kv_cache overflow parallel pinned presence_penalty prompt_cache_disk_mb prompt_cache_mb repeat_penalty seed speculation temperature tensor_split threads top_k top_p ttl_s unified_kv use_mlock use_mmap v_cache_type" ;; esac ;; 2) case $before in jit|record|require_auth|separate_reasoning|lenient|allow_ephemeral_mcp|allow_mcp_json|flash_attention|unified_kv|offload_kv_cache|use_mmap|use_mlock|pinned) candidates="on off" ;; context_length) candidates="max" ;; k_cache_type|v_cache_type) candidates="f16 q4_0 q8_0" ;; speculation) candidates="ngram off" ;; overflow) candidates="refuse rollingWindow stopAtLimit truncateMiddle" ;; esac ;; esac ;;
                        "lms config get") case $place in 0) candidates="server $(lms complete models 2>/dev/null)" ;; 1) case $before in server) candidates="allow_ephemeral_mcp allow_mcp_json cors host jit jit_max_models jit_ttl_s lenient log_disk_mb memory_budget_mb models_dir port queue_limit record require_auth response_days response_disk_mb separate_reasoning" ;; *) candidates="batch_size batch_threads chat_template context_length draft_model flash_attention frequency_penalty gpu_ratio k_cache_type lora main_gpu micro_batch_size min_p num_experts offload_kv_cache overflow parallel pinned presence_penalty prompt_cache_disk_mb prompt_cache_mb repeat_penalty seed speculation temperature tensor_split threads top_k top_p ttl_s unified_kv use_mlock use_mmap v_cache_type" ;; esac ;; esac ;;
                        "lms config list") candidates="server $(lms complete models 2>/dev/null)" ;;
                        "lms config unset") case $place in 0) candidates="server $(lms complete models 2>/dev/null)" ;; 1) case $before in server) candidates="allow_ephemeral_mcp allow_mcp_json cors host jit jit_max_models jit_ttl_s lenient log_disk_mb memory_budget_mb models_dir port queue_limit record require_auth response_days response_disk_mb separate_reasoning" ;; *) candidates="batch_size batch_threads chat_template context_length draft_model flash_attention frequency_penalty gpu_ratio k_cache_type lora main_gpu micro_batch_size min_p num_experts offload_kv_cache overflow parallel pinned presence_penalty prompt_cache_disk_mb prompt_cache_mb repeat_penalty seed speculation temperature tensor_split threads top_k top_p ttl_s unified_kv use_mlock use_mmap v_cache_type" ;; esac ;; esac ;;
                        "lms config preset show") candidates="$(lms complete presets 2>/dev/null)" ;;
                        "lms config preset set") case $place in 0) candidates="$(lms complete presets 2>/dev/null)" ;; 1) case $before in *) candidates="context_overflow_policy draft_model dry_allowed_length dry_base dry_multiplier dry_penalty_last_n dry_sequence_breakers frequency_penalty grammar json_schema logit_bias max_tokens min_p presence_penalty reasoning reasoning_budget regex repeat_penalty seed stop system_prompt temperature top_k top_p typical_p xtc_probability xtc_threshold" ;; esac ;; 2) case $before in context_overflow_policy) candidates="refuse rollingWindow stopAtLimit truncateMiddle" ;; reasoning) candidates="high low max medium minimal off on xhigh" ;; esac ;; esac ;;
                        "lms config preset unset") case $place in 0) candidates="$(lms complete presets 2>/dev/null)" ;; 1) case $before in *) candidates="context_overflow_policy draft_model dry_allowed_length dry_base dry_multiplier dry_penalty_last_n dry_sequence_breakers frequency_penalty grammar json_schema logit_bias max_tokens min_p presence_penalty reasoning reasoning_budget regex repeat_penalty seed stop system_prompt temperature top_k top_p typical_p xtc_probability xtc_threshold" ;; esac ;; esac ;;
                        "lms config preset remove") candidates="$(lms complete presets 2>/dev/null)" ;;
                        "lms config preset path") candidates="$(lms complete presets 2>/dev/null)" ;;
                    esac ;;
            esac ;;
    esac
    COMPREPLY=($(compgen -W "$candidates" -- "$whole"))
    if [ -n "$files" ]; then
        local IFS=$'\n'
        COMPREPLY+=($(compgen -f -- "$whole"))
    fi
    # Readline breaks words at these characters, and replaces only what stands behind the last of them.
    local kept=${whole%"${whole##*[:=@]}"}
    COMPREPLY=("${COMPREPLY[@]#"$kept"}")
}

complete -o filenames -F _lms lms
