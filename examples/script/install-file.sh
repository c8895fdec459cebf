#!/bin/sh
# Installs one file of an update. This is the script of a microsoft/script:1 step.
#
# The device agent runs it once for each action, as root:
#
#   install-file.sh --source NAME --target PATH        (the "arguments" of the step's handlerProperties)
#     --action-ACTION --work-folder DIR --result-file FILE --installed-criteria TEXT
#
# ACTION is is-installed, download, install, apply or cancel. The payload files of the step lie in DIR.
# What happened goes into FILE as JSON; the result codes are those of the agent's adu_core.h, and 0 is failure.
#
# The text of --installed-criteria is kept beside the target as PATH.installed, which answers the next is-installed.

set -u

action='' source='' target='' work_folder='' result_file='' criteria=''

while [ $# -gt 0 ]; do
    case $1 in
        --action-*) action=${1#--action-} ;;
        --source) source=${2-} ;;
        --target) target=${2-} ;;
        --work-folder) work_folder=${2-} ;;
        --result-file) result_file=${2-} ;;
        --installed-criteria) criteria=${2-} ;;
        # Values land here, and so does what a newer agent may add.
        *) ;;
    esac
    shift
done

if [ -z "$result_file" ]; then
    echo "$0: --result-file is missing" >&2
    exit 1
fi

# result CODE EXTENDED_CODE DETAILS: writes the result and ends. DETAILS must need no escapes in JSON.
result() {
    printf '{"resultCode":%d,"extendedResultCode":%d,"resultDetails":"%s"}\n' "$1" "$2" "$3" > "$result_file"
    exit
}

if [ -z "$source" ] || [ -z "$target" ] || [ -z "$work_folder" ] || [ -z "$criteria" ]; then
    result 0 1 'source, target, work folder or installed criteria is missing'
fi

# Beside the target, so that apply is a rename on one file system: nobody ever reads half a file.
stage() {
    mkdir -p "$(dirname "$target")" && cp "$work_folder/$source" "$target.new" && chmod 644 "$target.new"
}

put_in_place() {
    mv "$target.new" "$target" && printf '%s\n' "$criteria" > "$target.installed"
}

case $action in
    is-installed)
        if [ -e "$target" ] && [ "$(cat "$target.installed" 2> /dev/null)" = "$criteria" ]; then
            result 900 0 ''
        fi
        result 901 0 ''
        ;;
    download)
        # The agent has put every file of the step into the work folder; there is nothing more to fetch.
        result 500 0 ''
        ;;
    install)
        stage || result 0 2 'the file could not be copied beside its target'
        result 600 0 ''
        ;;
    apply)
        put_in_place || result 0 3 'the file could not be moved to its target'
        result 700 0 ''
        ;;
    cancel)
        rm -f "$target.new"
        result 800 0 ''
        ;;
    *)
        result 0 4 'the action is unknown'
        ;;
esac
