#!/bin/sh
# A summary beside each text of a folder: notes.txt gets notes.txt.summary. What has one already is left alone.
#
#     examples/summarize.sh ~/notes qwen3-4b
#
# lms chat starts the daemon and loads the model if need be. It ends with something other than 0 if the answer is not
# whole, and then this script ends too, with nothing that could be taken for a summary.
set -eu

folder=$1
model=${2:-tiny-chat}

for text in "$folder"/*.txt; do
    [ -e "$text" ] && [ ! -e "$text.summary" ] || continue
    lms chat "$model" -p "Sum this up in two sentences:" < "$text" > "$text.summary.part"
    mv "$text.summary.part" "$text.summary"
done
