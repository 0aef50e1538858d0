# fish completion of PROGRAM
function __PROGRAM_complete
    set -lx COMP_LINE (commandline -cp)
    set -lx COMP_POINT (string length -- "$COMP_LINE")
    # Of `--option=value` fish wants the whole word.
    set -l option (string match -r -- '^-[^=]*=' (commandline -ct))
    for found in (PROGRAM bashcomplete 2>/dev/null)
        echo -- "$option$found"
    end
end
complete -c PROGRAM -f -a '(__PROGRAM_complete)'
