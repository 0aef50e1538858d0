# bash completion of PROGRAM
# Snapshots hold colons, which bash would take for ends of words.
COMP_WORDBREAKS=${COMP_WORDBREAKS//:}
complete -C 'PROGRAM bashcomplete' PROGRAM
