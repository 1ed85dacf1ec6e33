# fish completion for entra-psql: its own options and psql's.
# `UPDATE_DOCS=1 cargo test --test docs` writes the part between the two marks, from the option tables.
#
# `alias psql=entra-psql` takes it over by itself.
#
# It starts no program. Hosts and services come from libpq's service files.

# The names of services or of hosts in the service files.
function __entra_psql_services --argument-names wanted
    set -l own $HOME/.pg_service.conf
    set -q PGSERVICEFILE; and test -n "$PGSERVICEFILE"; and set own $PGSERVICEFILE
    set -l system /etc/postgresql-common/pg_service.conf
    set -q PGSYSCONFDIR; and test -n "$PGSYSCONFDIR"; and set system $PGSYSCONFDIR/pg_service.conf
    for file in $own $system
        test -f $file -a -r $file; or continue
        if test $wanted = hosts
            string match --regex --groups-only '^\s*host=([^,\s]+)\s*$' <$file
        else
            string replace --regex --filter '^\s*\[([^]]+)\].*$' 'service=$1' <$file
        end
    end
end

# Whether the words are those of another program by now.
function __entra_psql_has_program
    contains -- --exec (commandline -opc)
end

# What the words behind --exec would be completed to by themselves.
function __entra_psql_program
    set -l words (commandline -opc)
    set -e words[1..(contains -i -- --exec $words)]
    complete -C (string join ' ' -- (string escape -- $words) (commandline -ct))
end

# Whether the database may be next: no word that is no option before, as far as can be seen.
function __entra_psql_wants_database
    not __entra_psql_has_program; and not string match --quiet 'service=*' -- (commandline -opc)
end

complete -c entra-psql -f
complete -c entra-psql -n __entra_psql_wants_database -a '(__entra_psql_services services)'
complete -c entra-psql -n __entra_psql_has_program -x -a '(__entra_psql_program)'
# BEGIN GENERATED
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'a' -l echo-all -d 'Print every line of input that is not empty'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'A' -l no-align -d 'Print rows unaligned'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'c' -l command -x -d 'Run this command, SQL or a backslash command, and end'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'd' -l dbname -x -a '(__entra_psql_services services)' -d 'The database, a connection string, a URI or service=NAME'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'e' -l echo-queries -d 'Print each query before it is sent'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'b' -l echo-errors -d 'Print commands that fail'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'E' -l echo-hidden -d 'Print the queries behind backslash commands'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'f' -l file -r -F -d 'Run the commands in FILE, and end'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'F' -l field-separator -x -d 'What stands between the fields of unaligned rows'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'z' -l field-separator-zero -d 'A zero byte between the fields of unaligned rows'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'h' -l host -x -a '(__entra_psql_services hosts)' -d 'The server\'s name, or the directory of its socket'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'H' -l html -d 'Print rows as an HTML table'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'l' -l list -d 'List the databases, and end'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'L' -l log-file -r -F -d 'Write the session to FILE as well'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'n' -l no-readline -d 'Do not edit lines'
complete -c entra-psql -n 'not __entra_psql_has_program' -s '1' -l single-transaction -d 'Run all of -c and -f in one transaction'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'o' -l output -r -F -d 'Write results to FILE, or into |COMMAND'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'p' -l port -x -d 'The server\'s port'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'P' -l pset -x -a 'border=0 border=1 border=2 columns= csv_fieldsep= expanded=on expanded=off expanded=auto fieldsep= fieldsep_zero=on fieldsep_zero=off footer=on footer=off format=aligned format=asciidoc format=csv format=html format=latex format=latex-longtable format=troff-ms format=unaligned format=wrapped linestyle=ascii linestyle=old-ascii linestyle=unicode null= numericlocale=on numericlocale=off pager=on pager=off pager=always pager_min_lines= recordsep= recordsep_zero=on recordsep_zero=off tableattr= title= tuples_only=on tuples_only=off unicode_border_linestyle=single unicode_border_linestyle=double unicode_column_linestyle=single unicode_column_linestyle=double unicode_header_linestyle=single unicode_header_linestyle=double xheader_width=full xheader_width=column xheader_width=page' -d 'Set a printing parameter'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'q' -l quiet -d 'Print results and nothing else'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'R' -l record-separator -x -d 'What stands between unaligned rows'
complete -c entra-psql -n 'not __entra_psql_has_program' -s '0' -l record-separator-zero -d 'A zero byte between unaligned rows'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 's' -l single-step -d 'Ask before each command'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'S' -l single-line -d 'Let the end of a line end a command'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 't' -l tuples-only -d 'Print rows without headings'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'T' -l table-attr -x -d 'Attributes for the tag of an HTML table'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'U' -l username -x -d 'The role to sign in as'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'v' -l set -x -a 'AUTOCOMMIT=on AUTOCOMMIT=off COMP_KEYWORD_CASE=lower COMP_KEYWORD_CASE=upper COMP_KEYWORD_CASE=preserve-lower COMP_KEYWORD_CASE=preserve-upper ECHO=all ECHO=errors ECHO=none ECHO=queries ECHO_HIDDEN=on ECHO_HIDDEN=off ECHO_HIDDEN=noexec FETCH_COUNT= HIDE_TABLEAM=on HIDE_TABLEAM=off HIDE_TOAST_COMPRESSION=on HIDE_TOAST_COMPRESSION=off HISTCONTROL=ignorespace HISTCONTROL=ignoredups HISTCONTROL=ignoreboth HISTCONTROL=none HISTFILE= HISTSIZE= IGNOREEOF= ON_ERROR_ROLLBACK=on ON_ERROR_ROLLBACK=off ON_ERROR_ROLLBACK=interactive ON_ERROR_STOP=on ON_ERROR_STOP=off PROMPT1= PROMPT2= PROMPT3= QUIET=on QUIET=off SHOW_ALL_RESULTS=on SHOW_ALL_RESULTS=off SHOW_CONTEXT=never SHOW_CONTEXT=errors SHOW_CONTEXT=always SINGLELINE=on SINGLELINE=off SINGLESTEP=on SINGLESTEP=off VERBOSITY=default VERBOSITY=verbose VERBOSITY=terse VERBOSITY=sqlstate' -d 'Set a variable of psql'
complete -c entra-psql -n 'not __entra_psql_has_program' -l variable -x -a 'AUTOCOMMIT=on AUTOCOMMIT=off COMP_KEYWORD_CASE=lower COMP_KEYWORD_CASE=upper COMP_KEYWORD_CASE=preserve-lower COMP_KEYWORD_CASE=preserve-upper ECHO=all ECHO=errors ECHO=none ECHO=queries ECHO_HIDDEN=on ECHO_HIDDEN=off ECHO_HIDDEN=noexec FETCH_COUNT= HIDE_TABLEAM=on HIDE_TABLEAM=off HIDE_TOAST_COMPRESSION=on HIDE_TOAST_COMPRESSION=off HISTCONTROL=ignorespace HISTCONTROL=ignoredups HISTCONTROL=ignoreboth HISTCONTROL=none HISTFILE= HISTSIZE= IGNOREEOF= ON_ERROR_ROLLBACK=on ON_ERROR_ROLLBACK=off ON_ERROR_ROLLBACK=interactive ON_ERROR_STOP=on ON_ERROR_STOP=off PROMPT1= PROMPT2= PROMPT3= QUIET=on QUIET=off SHOW_ALL_RESULTS=on SHOW_ALL_RESULTS=off SHOW_CONTEXT=never SHOW_CONTEXT=errors SHOW_CONTEXT=always SINGLELINE=on SINGLELINE=off SINGLESTEP=on SINGLESTEP=off VERBOSITY=default VERBOSITY=verbose VERBOSITY=terse VERBOSITY=sqlstate' -d 'Set a variable of psql'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'V' -l version -d 'Print the version, and end'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'w' -l no-password -d 'Never ask for a password'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'W' -l password -d 'Ask for a password before connecting'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'x' -l expanded -d 'Print each field on a line of its own'
complete -c entra-psql -n 'not __entra_psql_has_program' -s 'X' -l no-psqlrc -d 'Do not read the start-up files'
complete -c entra-psql -n 'not __entra_psql_has_program' -s '?' -l help -a 'options commands variables' -d 'Print help, and end'
complete -c entra-psql -n 'not __entra_psql_has_program' -l csv -d 'Print rows as comma-separated values'
complete -c entra-psql -n 'not __entra_psql_has_program' -l group -x -d 'Sign in as the Entra group NAME, of which you are a member'
complete -c entra-psql -n 'not __entra_psql_has_program' -l auth -x -a 'auto azure-cli azd managed-identity workload-identity client-secret client-certificate azure-pipelines github-actions browser device-code env' -d 'How to get the token: auto, azure-cli, azd, managed-identity, workload-identity, client-secret, client-certificate, azure-pipelines, github-actions, browser, device-code or env'
complete -c entra-psql -n 'not __entra_psql_has_program' -l tenant -x -d 'The tenant to get the token from, by id or domain'
complete -c entra-psql -n 'not __entra_psql_has_program' -l client-id -x -d 'The application, or the user-assigned managed identity, to get the token as'
complete -c entra-psql -n 'not __entra_psql_has_program' -l subscription -x -d 'The Azure CLI\'s subscription, and so the account, to get the token with'
complete -c entra-psql -n 'not __entra_psql_has_program' -l cloud -x -a 'AzureCloud AzureUSGovernment AzureChinaCloud AzureGermanCloud AzureBleuCloud' -d 'The Azure cloud of the server, where its name does not say: AzureCloud, AzureUSGovernment, …, or one that az has registered'
complete -c entra-psql -n 'not __entra_psql_has_program' -l resource -x -d 'What the token is asked for, where neither the server\'s name nor --cloud says it'
complete -c entra-psql -n 'not __entra_psql_has_program' -l entra -d 'This server wants a token, whatever its name (for standing trust: ENTRA_PSQL_TRUSTED_HOSTS)'
complete -c entra-psql -n 'not __entra_psql_has_program' -l no-entra -d 'No token at all: psql and nothing else'
complete -c entra-psql -n 'not __entra_psql_has_program' -l single-server -d 'Append @servername to the role, as Single Server wants it'
complete -c entra-psql -n 'not __entra_psql_has_program' -l psql -r -F -d 'The psql to become'
complete -c entra-psql -n 'not __entra_psql_has_program' -l exec -x -a '(__entra_psql_program)' -d 'Run PROGRAM in psql\'s place, with the whole connection in its PG… variables; all words behind it are its own'
complete -c entra-psql -n 'not __entra_psql_has_program' -l renew -d 'Sign in again for each connection that psql, or the program of --exec, opens later; with tcp, the program connects to a local port and not to a socket'
complete -c entra-psql -n 'not __entra_psql_has_program' -l url -d 'With --renew and --exec, also give the program the connection as a URI in the variable NAME [default: DATABASE_URL]'
complete -c entra-psql -n 'not __entra_psql_has_program' -l proxy -d 'Serve this connection to other programs until stopped, signed in again as needed; LISTEN is a port, a loopback address with one, or a directory for a socket [default: a private socket]'
complete -c entra-psql -n 'not __entra_psql_has_program' -l drain -x -d 'Let the connections of --proxy finish for so long after it is told to stop [default: 30]'
complete -c entra-psql -n 'not __entra_psql_has_program' -l print-env -a 'sh fish powershell cmd nu' -d 'Print the connection, token and all, as assignments for SHELL: sh, fish, powershell, cmd or nu (default: the calling shell)'
complete -c entra-psql -n 'not __entra_psql_has_program' -l print-conninfo -d 'Print the connection as a connection string, without the token'
complete -c entra-psql -n 'not __entra_psql_has_program' -l print-token -d 'Print the token alone'
complete -c entra-psql -n 'not __entra_psql_has_program' -l fresh -d 'Get a new token, whatever is remembered'
complete -c entra-psql -n 'not __entra_psql_has_program' -l sign-out -d 'Forget the sign-ins of --auth browser and device-code and every remembered token, and do nothing else'
complete -c entra-psql -n 'not __entra_psql_has_program' -l timeout -x -d 'How long the whole of signing in may take (default 30, and 900 where a person signs in)'
complete -c entra-psql -n 'not __entra_psql_has_program' -l dry-run -d 'Sign in, then print what would be run and why, secrets hidden, and run nothing'
complete -c entra-psql -n 'not __entra_psql_has_program' -l completions -x -a 'bash zsh fish powershell elvish' -d 'Print the completion script for bash, zsh, fish, powershell or elvish, and end'
complete -c entra-psql -n 'not __entra_psql_has_program' -l doctor -a 'json' -d 'Check every link of signing in, and say what to do; as text, or with `json` for a report of a bug'
complete -c entra-psql -n 'not __entra_psql_has_program' -l entra-verbose -d 'Say on standard error what was decided'
# END GENERATED
