#compdef PROGRAM
_PROGRAM() {
    local -a found
    local line="${(j: :)words[1,CURRENT]}"
    found=("${(@f)$(COMP_LINE="$line" COMP_POINT=${#line} COMP_CWORD=$((CURRENT - 1)) PROGRAM bashcomplete 2>/dev/null)}")
    found=(${found:#})
    # Of `--option=value` the value is completed.
    [[ $PREFIX == -*=* ]] && compset -P '*='
    # What ends with a slash goes on.
    compadd -Q -S '' -- ${(M)found:#*/}
    compadd -Q -- ${found:#*/}
}
if [ "$funcstack[1]" = "_PROGRAM" ]; then
    _PROGRAM "$@"
else
    compdef _PROGRAM PROGRAM
fi
