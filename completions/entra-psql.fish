# fish completion for entra-psql: its own options and psql's.
# `UPDATE_DOCS=1 cargo test --test docs` generates the part between the two marks.
#
# `alias psql=entra-psql` inherits it.
#
# Nothing is run on Tab. Hosts and services come from libpq's service files, servers from the last
# `entra-psql --servers`, and groups from the last `entra-psql --whoami`.

# Prints the lines of a file. Of a huge file, they are the first few thousand.
function __entra_psql_read --argument-names file
    test -f "$file" -a -r "$file"; or return
    read --local --null --nchars 200000 text <"$file"
    string split \n -- $text
end

# The same for a file among those that entra-psql keeps.
function __entra_psql_kept --argument-names name
    set -l cache $HOME/.cache
    test -n "$XDG_CACHE_HOME"; and set cache $XDG_CACHE_HOME
    for parent in $XDG_RUNTIME_DIR $cache $HOME/Library/Caches
        if string match --quiet '/*' -- $parent; and test -f $parent/entra-psql/$name
            __entra_psql_read $parent/entra-psql/$name
            return
        end
    end
end

# The same for the service files.
function __entra_psql_services
    set -l own $HOME/.pg_service.conf
    test -n "$PGSERVICEFILE"; and set own $PGSERVICEFILE
    set -l system /etc/postgresql-common
    test -n "$PGSYSCONFDIR"; and set system $PGSYSCONFDIR
    __entra_psql_read $own
    __entra_psql_read $system/pg_service.conf
end

function __entra_psql_host
    __entra_psql_services | string match --regex --groups-only '^\s*host=([^,\s[:cntrl:]]+)\s*$'
    __entra_psql_kept servers.txt | string match --regex --groups-only '^([^[:cntrl:]]+)\t'
end

# Prints the services as they are written in a connection string.
function __entra_psql_database
    __entra_psql_services | string match --regex --groups-only '^\s*\[([^][:cntrl:]]+)\]' |
        string replace --all --regex '[\s\\\\\']' '\\\\$0' | string replace --regex '^' 'service='
end

function __entra_psql_server
    __entra_psql_kept servers.txt | string match --regex --groups-only '\t([^[:cntrl:]]+)$'
end

# Leaves out what fish would read as a home directory.
function __entra_psql_group
    __entra_psql_kept groups.txt | string match --regex '^[^~[:cntrl:]][^[:cntrl:]]*$'
end

# Succeeds if the arguments of another program have started.
function __entra_psql_has_program
    contains -- --exec (commandline -opc)
end

# Prints what completes the arguments after --exec.
function __entra_psql_program
    set -l words (commandline -opc)
    set -e words[1..(contains -i -- --exec $words)]
    complete -C (string join ' ' -- (string escape -- $words) (commandline -ct))
end

# Succeeds if the database may come next: no operand precedes it, as far as can be told.
function __entra_psql_wants_database
    not __entra_psql_has_program; and not string match --quiet 'service=*' -- (commandline -opc)
end

complete -c entra-psql -f
complete -c entra-psql -n __entra_psql_wants_database -a '(__entra_psql_database)'
complete -c entra-psql -n __entra_psql_has_program -x -a '(__entra_psql_program)'
# BEGIN GENERATED
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'a' -l echo-all -d 'Print all input lines that are not empty'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'A' -l no-align -d 'Print rows unaligned'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'c' -l command -x -d 'Run one SQL or backslash command, then exit'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'd' -l dbname -x -a '(__entra_psql_database)' -d 'Connect to a database, connection string, URI or service=NAME'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'e' -l echo-queries -d 'Print each query that is sent'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'b' -l echo-errors -d 'Print commands that fail'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'E' -l echo-hidden -d 'Print the queries of backslash commands'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'f' -l file -r -F -d 'Run the commands in FILE, then exit'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'F' -l field-separator -x -d 'Separate the fields of unaligned rows with TEXT'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'z' -l field-separator-zero -d 'Separate the fields of unaligned rows with a zero byte'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'h' -l host -x -a '(__entra_psql_host)' -d 'Connect to this host, or to the socket in this directory'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'H' -l html -d 'Print rows as an HTML table'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'l' -l list -d 'List the databases, then exit'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'L' -l log-file -r -F -d 'Also write the session to FILE'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'n' -l no-readline -d 'Turn off line editing'
complete -c entra-psql -n 'not __entra_psql_has_program' -s '1' -l single-transaction -d 'Run all commands of -c and -f in one transaction'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'o' -l output -r -F -d 'Write results to FILE, or to |COMMAND'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'p' -l port -x -d 'Connect to this port'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'P' -l pset -x -a 'border=0 border=1 border=2 columns= csv_fieldsep= expanded=on expanded=off expanded=auto fieldsep= fieldsep_zero=on fieldsep_zero=off footer=on footer=off format=aligned format=asciidoc format=csv format=html format=latex format=latex-longtable format=troff-ms format=unaligned format=wrapped linestyle=ascii linestyle=old-ascii linestyle=unicode null= numericlocale=on numericlocale=off pager=on pager=off pager=always pager_min_lines= recordsep= recordsep_zero=on recordsep_zero=off tableattr= title= tuples_only=on tuples_only=off unicode_border_linestyle=single unicode_border_linestyle=double unicode_column_linestyle=single unicode_column_linestyle=double unicode_header_linestyle=single unicode_header_linestyle=double xheader_width=full xheader_width=column xheader_width=page' -d 'Set a printing parameter'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'q' -l quiet -d 'Print only results'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'R' -l record-separator -x -d 'Separate unaligned rows with TEXT'
complete -c entra-psql -n 'not __entra_psql_has_program' -s '0' -l record-separator-zero -d 'Separate unaligned rows with a zero byte'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 's' -l single-step -d 'Ask before each command'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'S' -l single-line -d 'End commands at the end of a line'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 't' -l tuples-only -d 'Print only rows, without headings'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'T' -l table-attr -x -d 'Set attributes of the HTML table tag'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'U' -l username -x -d 'Sign in as this role'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'v' -l set -x -a 'AUTOCOMMIT=on AUTOCOMMIT=off COMP_KEYWORD_CASE=lower COMP_KEYWORD_CASE=upper COMP_KEYWORD_CASE=preserve-lower COMP_KEYWORD_CASE=preserve-upper ECHO=all ECHO=errors ECHO=none ECHO=queries ECHO_HIDDEN=on ECHO_HIDDEN=off ECHO_HIDDEN=noexec FETCH_COUNT= HIDE_TABLEAM=on HIDE_TABLEAM=off HIDE_TOAST_COMPRESSION=on HIDE_TOAST_COMPRESSION=off HISTCONTROL=ignorespace HISTCONTROL=ignoredups HISTCONTROL=ignoreboth HISTCONTROL=none HISTFILE= HISTSIZE= IGNOREEOF= ON_ERROR_ROLLBACK=on ON_ERROR_ROLLBACK=off ON_ERROR_ROLLBACK=interactive ON_ERROR_STOP=on ON_ERROR_STOP=off PROMPT1= PROMPT2= PROMPT3= QUIET=on QUIET=off SHOW_ALL_RESULTS=on SHOW_ALL_RESULTS=off SHOW_CONTEXT=never SHOW_CONTEXT=errors SHOW_CONTEXT=always SINGLELINE=on SINGLELINE=off SINGLESTEP=on SINGLESTEP=off VERBOSITY=default VERBOSITY=verbose VERBOSITY=terse VERBOSITY=sqlstate' -d 'Set a variable of psql'
complete -c entra-psql -n 'not __entra_psql_has_program' -l variable -x -a 'AUTOCOMMIT=on AUTOCOMMIT=off COMP_KEYWORD_CASE=lower COMP_KEYWORD_CASE=upper COMP_KEYWORD_CASE=preserve-lower COMP_KEYWORD_CASE=preserve-upper ECHO=all ECHO=errors ECHO=none ECHO=queries ECHO_HIDDEN=on ECHO_HIDDEN=off ECHO_HIDDEN=noexec FETCH_COUNT= HIDE_TABLEAM=on HIDE_TABLEAM=off HIDE_TOAST_COMPRESSION=on HIDE_TOAST_COMPRESSION=off HISTCONTROL=ignorespace HISTCONTROL=ignoredups HISTCONTROL=ignoreboth HISTCONTROL=none HISTFILE= HISTSIZE= IGNOREEOF= ON_ERROR_ROLLBACK=on ON_ERROR_ROLLBACK=off ON_ERROR_ROLLBACK=interactive ON_ERROR_STOP=on ON_ERROR_STOP=off PROMPT1= PROMPT2= PROMPT3= QUIET=on QUIET=off SHOW_ALL_RESULTS=on SHOW_ALL_RESULTS=off SHOW_CONTEXT=never SHOW_CONTEXT=errors SHOW_CONTEXT=always SINGLELINE=on SINGLELINE=off SINGLESTEP=on SINGLESTEP=off VERBOSITY=default VERBOSITY=verbose VERBOSITY=terse VERBOSITY=sqlstate' -d 'Set a variable of psql'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'V' -l version -d 'Print the version, then exit'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'w' -l no-password -d 'Never ask for a password'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'W' -l password -d 'Ask for a password before connecting'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'x' -l expanded -d 'Print each field on its own line'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'X' -l no-psqlrc -d 'Don\'t read the start-up files'
complete -c entra-psql -n 'not __entra_psql_has_program' -s '?' -l help -a 'options commands variables' -d 'Print help, then exit'
complete -c entra-psql -n 'not __entra_psql_has_program' -l csv -d 'Print rows as comma-separated values'
complete -c entra-psql -n 'not __entra_psql_has_program' -l group -x -a '(__entra_psql_group)' -d 'Sign in as the Entra group NAME, of which you are a member'
complete -c entra-psql -n 'not __entra_psql_has_program' -l auth -x -a 'auto azure-cli azd managed-identity workload-identity client-secret client-certificate azure-pipelines github-actions browser device-code env' -d 'Choose how to get the access token'
complete -c entra-psql -n 'not __entra_psql_has_program' -l tenant -x -d 'Get the token from this tenant, named by its id or domain'
complete -c entra-psql -n 'not __entra_psql_has_program' -l client-id -x -d 'Sign in as this application or user-assigned managed identity'
complete -c entra-psql -n 'not __entra_psql_has_program' -l subscription -x -d 'Use the Azure CLI account of this subscription, named by its id or name'
complete -c entra-psql -n 'not __entra_psql_has_program' -l server -x -a '(__entra_psql_server)' -d 'Connect to the server NAME among those you may see, in place of -h'
complete -c entra-psql -n 'not __entra_psql_has_program' -l servers -a 'text json' -d 'List the servers that you may see in Azure'
complete -c entra-psql -n 'not __entra_psql_has_program' -l entra -d 'Sign in to this server, whatever its name'
complete -c entra-psql -n 'not __entra_psql_has_program' -l no-entra -d 'Run plain psql without signing in'
complete -c entra-psql -n 'not __entra_psql_has_program' -l cloud -x -a 'AzureCloud AzureUSGovernment AzureChinaCloud AzureGermanCloud AzureBleuCloud' -d 'Name the server\'s Azure cloud'
complete -c entra-psql -n 'not __entra_psql_has_program' -l resource -x -d 'Request a token for this resource'
complete -c entra-psql -n 'not __entra_psql_has_program' -l single-server -d 'Append @SERVERNAME to the role, as Azure Single Server requires'
complete -c entra-psql -n 'not __entra_psql_has_program' -l psql -r -F -d 'Run this psql'
complete -c entra-psql -n 'not __entra_psql_has_program' -l exec -x -a '(__entra_psql_program)' -d 'Run PROGRAM instead of psql, with the connection in PG* variables'
complete -c entra-psql -n 'not __entra_psql_has_program' -l print-env -a 'sh fish powershell cmd nu' -d 'Print the connection and its token as assignments for a shell'
complete -c entra-psql -n 'not __entra_psql_has_program' -l print-conninfo -d 'Print the connection as a connection string, without the token'
complete -c entra-psql -n 'not __entra_psql_has_program' -l print-token -d 'Print only the access token'
complete -c entra-psql -n 'not __entra_psql_has_program' -l dry-run -d 'Sign in, then print what would run and why, with secrets hidden'
complete -c entra-psql -n 'not __entra_psql_has_program' -l renew -d 'Sign in again for every later connection of psql or of --exec'
complete -c entra-psql -n 'not __entra_psql_has_program' -l url -d 'With --renew and --exec, also set variable NAME to the connection\'s URI'
complete -c entra-psql -n 'not __entra_psql_has_program' -l proxy -d 'Serve the connection to other programs until stopped'
complete -c entra-psql -n 'not __entra_psql_has_program' -l drain -x -d 'Limit how long open connections may continue after --proxy is stopped'
complete -c entra-psql -n 'not __entra_psql_has_program' -l fresh -d 'Ignore the cached token and ask for a new one'
complete -c entra-psql -n 'not __entra_psql_has_program' -l timeout -x -d 'Limit the time that signing in may take'
complete -c entra-psql -n 'not __entra_psql_has_program' -l sign-out -d 'Delete all cached tokens and the sign-ins of browser and device-code'
complete -c entra-psql -n 'not __entra_psql_has_program' -l whoami -a 'text json' -d 'Report who you are signed in as, and your groups'
complete -c entra-psql -n 'not __entra_psql_has_program' -l doctor -a 'text json' -d 'Check every step of signing in, and report what to fix'
complete -c entra-psql -n 'not __entra_psql_has_program' -l entra-verbose -d 'Explain on standard error what was decided'
complete -c entra-psql -n 'not __entra_psql_has_program' -l completions -x -a 'bash zsh fish powershell elvish' -d 'Print the completion script for a shell'
complete -c entra-psql -n 'not __entra_psql_has_program' -l no-descriptions -d 'With --completions, leave out what each option is for'
# END GENERATED
