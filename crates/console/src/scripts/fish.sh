# fish completion of PROGRAM
function __PROGRAM_complete
    set -lx COMP_LINE (commandline -cp)
    set -lx COMP_POINT (string length -- "$COMP_LINE")
    PROGRAM bashcomplete 2>/dev/null
end
complete -c PROGRAM -f -a '(__PROGRAM_complete)'
