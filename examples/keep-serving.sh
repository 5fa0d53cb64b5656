#!/bin/sh
# For cron, where there is no systemd: sees to it that the server is on and a model is loaded.
#
#     PATH=/home/someone/.local/bin:/usr/bin:/bin
#     */10 * * * *  /home/someone/keep-serving.sh qwen3-4b
#
# It says nothing when all is well, so that cron sends no mail; errors are said, and end it with something other than 0.
set -eu

model=${1:-tiny-chat}

case $(lms server status --json) in
    *'"running":true'*) ;;
    *) lms server start --log-level error ;;
esac
lms load "$model" --reuse --exact --log-level error
