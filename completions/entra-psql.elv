# elvish completion for entra-psql: its own options and psql's.
# `UPDATE_DOCS=1 cargo test --test docs` writes the part between the two marks, from the option tables.
#
# For a function psql: set edit:completion:arg-completer[psql] = $edit:completion:arg-completer[entra-psql]
#
# It starts no program. Hosts and services come from libpq's service files.

use path
use re
use str

set edit:completion:arg-completer[entra-psql] = {|@words|
  # The value of a variable, or a default where that is unset or empty.
  fn variable {|name default|
    if (and (has-env $name) (not-eq (get-env $name) '')) { get-env $name } else { put $default }
  }

  # What a pattern finds in the service files, behind a text of our own.
  fn from-services {|pattern before|
    var files = [
      (variable PGSERVICEFILE ~/.pg_service.conf)
      (variable PGSYSCONFDIR /etc/postgresql-common)/pg_service.conf
    ]
    for file $files {
      if (path:is-regular &follow-symlink=$true $file) {
        from-lines < $file | each {|line|
          for found [(re:find $pattern $line)] { put $before$found[groups][1][text] }
        }
      }
    }
  }

  fn host {|_| from-services '^\s*host=([^,\s]+)\s*$' '' }
  fn database {|_| from-services '^\s*\[([^\]]+)\]' 'service=' }
  fn file {|word| edit:complete-filename $word }
  fn one-of {|@words|
    put {|_|
      each {|word|
        if (str:has-suffix $word '=') {
          edit:complex-candidate $word
        } else {
          edit:complex-candidate $word &code-suffix=' '
        }
      } $words
    }
  }

  # BEGIN GENERATED
  var options = [
    [&short='a' &long=echo-all &desc='Print every line of input that is not empty']
    [&short='A' &long=no-align &desc='Print rows unaligned']
    [&short='c' &long=command &desc='Run this command, SQL or a backslash command, and end' &arg-required=$true &arg-desc='COMMAND' &completer={|_| }]
    [&short='d' &long=dbname &desc='The database, a connection string, a URI or service=NAME' &arg-required=$true &arg-desc='DBNAME' &completer=$database~]
    [&short='e' &long=echo-queries &desc='Print each query before it is sent']
    [&short='b' &long=echo-errors &desc='Print commands that fail']
    [&short='E' &long=echo-hidden &desc='Print the queries behind backslash commands']
    [&short='f' &long=file &desc='Run the commands in FILE, and end' &arg-required=$true &arg-desc='FILE' &completer=$file~]
    [&short='F' &long=field-separator &desc='What stands between the fields of unaligned rows' &arg-required=$true &arg-desc='TEXT' &completer={|_| }]
    [&short='z' &long=field-separator-zero &desc='A zero byte between the fields of unaligned rows']
    [&short='h' &long=host &desc='The server''s name, or the directory of its socket' &arg-required=$true &arg-desc='HOST' &completer=$host~]
    [&short='H' &long=html &desc='Print rows as an HTML table']
    [&short='l' &long=list &desc='List the databases, and end']
    [&short='L' &long=log-file &desc='Write the session to FILE as well' &arg-required=$true &arg-desc='FILE' &completer=$file~]
    [&short='n' &long=no-readline &desc='Do not edit lines']
    [&short='1' &long=single-transaction &desc='Run all of -c and -f in one transaction']
    [&short='o' &long=output &desc='Write results to FILE, or into |COMMAND' &arg-required=$true &arg-desc='FILE' &completer=$file~]
    [&short='p' &long=port &desc='The server''s port' &arg-required=$true &arg-desc='PORT' &completer={|_| }]
    [&short='P' &long=pset &desc='Set a printing parameter' &arg-required=$true &arg-desc='NAME=VALUE' &completer=(one-of 'border=0' 'border=1' 'border=2' 'columns=' 'csv_fieldsep=' 'expanded=on' 'expanded=off' 'expanded=auto' 'fieldsep=' 'fieldsep_zero=on' 'fieldsep_zero=off' 'footer=on' 'footer=off' 'format=aligned' 'format=asciidoc' 'format=csv' 'format=html' 'format=latex' 'format=latex-longtable' 'format=troff-ms' 'format=unaligned' 'format=wrapped' 'linestyle=ascii' 'linestyle=old-ascii' 'linestyle=unicode' 'null=' 'numericlocale=on' 'numericlocale=off' 'pager=on' 'pager=off' 'pager=always' 'pager_min_lines=' 'recordsep=' 'recordsep_zero=on' 'recordsep_zero=off' 'tableattr=' 'title=' 'tuples_only=on' 'tuples_only=off' 'unicode_border_linestyle=single' 'unicode_border_linestyle=double' 'unicode_column_linestyle=single' 'unicode_column_linestyle=double' 'unicode_header_linestyle=single' 'unicode_header_linestyle=double' 'xheader_width=full' 'xheader_width=column' 'xheader_width=page')]
    [&short='q' &long=quiet &desc='Print results and nothing else']
    [&short='R' &long=record-separator &desc='What stands between unaligned rows' &arg-required=$true &arg-desc='TEXT' &completer={|_| }]
    [&short='0' &long=record-separator-zero &desc='A zero byte between unaligned rows']
    [&short='s' &long=single-step &desc='Ask before each command']
    [&short='S' &long=single-line &desc='Let the end of a line end a command']
    [&short='t' &long=tuples-only &desc='Print rows without headings']
    [&short='T' &long=table-attr &desc='Attributes for the tag of an HTML table' &arg-required=$true &arg-desc='TEXT' &completer={|_| }]
    [&short='U' &long=username &desc='The role to sign in as' &arg-required=$true &arg-desc='NAME' &completer={|_| }]
    [&short='v' &long=set &desc='Set a variable of psql' &arg-required=$true &arg-desc='NAME=VALUE' &completer=(one-of 'AUTOCOMMIT=on' 'AUTOCOMMIT=off' 'COMP_KEYWORD_CASE=lower' 'COMP_KEYWORD_CASE=upper' 'COMP_KEYWORD_CASE=preserve-lower' 'COMP_KEYWORD_CASE=preserve-upper' 'ECHO=all' 'ECHO=errors' 'ECHO=none' 'ECHO=queries' 'ECHO_HIDDEN=on' 'ECHO_HIDDEN=off' 'ECHO_HIDDEN=noexec' 'FETCH_COUNT=' 'HIDE_TABLEAM=on' 'HIDE_TABLEAM=off' 'HIDE_TOAST_COMPRESSION=on' 'HIDE_TOAST_COMPRESSION=off' 'HISTCONTROL=ignorespace' 'HISTCONTROL=ignoredups' 'HISTCONTROL=ignoreboth' 'HISTCONTROL=none' 'HISTFILE=' 'HISTSIZE=' 'IGNOREEOF=' 'ON_ERROR_ROLLBACK=on' 'ON_ERROR_ROLLBACK=off' 'ON_ERROR_ROLLBACK=interactive' 'ON_ERROR_STOP=on' 'ON_ERROR_STOP=off' 'PROMPT1=' 'PROMPT2=' 'PROMPT3=' 'QUIET=on' 'QUIET=off' 'SHOW_ALL_RESULTS=on' 'SHOW_ALL_RESULTS=off' 'SHOW_CONTEXT=never' 'SHOW_CONTEXT=errors' 'SHOW_CONTEXT=always' 'SINGLELINE=on' 'SINGLELINE=off' 'SINGLESTEP=on' 'SINGLESTEP=off' 'VERBOSITY=default' 'VERBOSITY=verbose' 'VERBOSITY=terse' 'VERBOSITY=sqlstate')]
    [&long=variable &desc='Set a variable of psql' &arg-required=$true &arg-desc='NAME=VALUE' &completer=(one-of 'AUTOCOMMIT=on' 'AUTOCOMMIT=off' 'COMP_KEYWORD_CASE=lower' 'COMP_KEYWORD_CASE=upper' 'COMP_KEYWORD_CASE=preserve-lower' 'COMP_KEYWORD_CASE=preserve-upper' 'ECHO=all' 'ECHO=errors' 'ECHO=none' 'ECHO=queries' 'ECHO_HIDDEN=on' 'ECHO_HIDDEN=off' 'ECHO_HIDDEN=noexec' 'FETCH_COUNT=' 'HIDE_TABLEAM=on' 'HIDE_TABLEAM=off' 'HIDE_TOAST_COMPRESSION=on' 'HIDE_TOAST_COMPRESSION=off' 'HISTCONTROL=ignorespace' 'HISTCONTROL=ignoredups' 'HISTCONTROL=ignoreboth' 'HISTCONTROL=none' 'HISTFILE=' 'HISTSIZE=' 'IGNOREEOF=' 'ON_ERROR_ROLLBACK=on' 'ON_ERROR_ROLLBACK=off' 'ON_ERROR_ROLLBACK=interactive' 'ON_ERROR_STOP=on' 'ON_ERROR_STOP=off' 'PROMPT1=' 'PROMPT2=' 'PROMPT3=' 'QUIET=on' 'QUIET=off' 'SHOW_ALL_RESULTS=on' 'SHOW_ALL_RESULTS=off' 'SHOW_CONTEXT=never' 'SHOW_CONTEXT=errors' 'SHOW_CONTEXT=always' 'SINGLELINE=on' 'SINGLELINE=off' 'SINGLESTEP=on' 'SINGLESTEP=off' 'VERBOSITY=default' 'VERBOSITY=verbose' 'VERBOSITY=terse' 'VERBOSITY=sqlstate')]
    [&short='V' &long=version &desc='Print the version, and end']
    [&short='w' &long=no-password &desc='Never ask for a password']
    [&short='W' &long=password &desc='Ask for a password before connecting']
    [&short='x' &long=expanded &desc='Print each field on a line of its own']
    [&short='X' &long=no-psqlrc &desc='Do not read the start-up files']
    [&short='?' &long=help &desc='Print help, and end' &arg-optional=$true &arg-desc='TOPIC' &completer=(one-of 'options' 'commands' 'variables')]
    [&long=csv &desc='Print rows as comma-separated values']
    [&long=group &desc='Sign in as the Entra group NAME, of which you are a member' &arg-required=$true &arg-desc='NAME' &completer={|_| }]
    [&long=auth &desc='How to get the token: auto, azure-cli, azd, managed-identity, workload-identity, client-secret, client-certificate, azure-pipelines, github-actions, browser, device-code or env' &arg-required=$true &arg-desc='METHOD' &completer=(one-of 'auto' 'azure-cli' 'azd' 'managed-identity' 'workload-identity' 'client-secret' 'client-certificate' 'azure-pipelines' 'github-actions' 'browser' 'device-code' 'env')]
    [&long=tenant &desc='The tenant to get the token from, by id or domain' &arg-required=$true &arg-desc='ID' &completer={|_| }]
    [&long=client-id &desc='The application, or the user-assigned managed identity, to get the token as' &arg-required=$true &arg-desc='ID' &completer={|_| }]
    [&long=subscription &desc='The Azure CLI''s subscription, and so the account, to get the token with' &arg-required=$true &arg-desc='ID' &completer={|_| }]
    [&long=cloud &desc='The Azure cloud of the server, where its name does not say: AzureCloud, AzureUSGovernment, …, or one that az has registered' &arg-required=$true &arg-desc='NAME' &completer=(one-of 'AzureCloud' 'AzureUSGovernment' 'AzureChinaCloud' 'AzureGermanCloud' 'AzureBleuCloud')]
    [&long=resource &desc='What the token is asked for, where neither the server''s name nor --cloud says it' &arg-required=$true &arg-desc='URI' &completer={|_| }]
    [&long=entra &desc='This server wants a token, whatever its name (for standing trust: ENTRA_PSQL_TRUSTED_HOSTS)']
    [&long=no-entra &desc='No token at all: psql and nothing else']
    [&long=single-server &desc='Append @servername to the role, as Single Server wants it']
    [&long=psql &desc='The psql to become' &arg-required=$true &arg-desc='PATH' &completer=$file~]
    [&long=exec &desc='Run PROGRAM in psql''s place, with the whole connection in its PG… variables; all words behind it are its own' &arg-required=$true &arg-desc='PROGRAM [ARGS]...' &completer={|_| }]
    [&long=renew &desc='Sign in again for each connection that psql, or the program of --exec, opens later; with tcp, the program connects to a local port and not to a socket' &arg-optional=$true &arg-desc='tcp' &completer={|_| }]
    [&long=url &desc='With --renew and --exec, also give the program the connection as a URI in the variable NAME [default: DATABASE_URL]' &arg-optional=$true &arg-desc='NAME' &completer={|_| }]
    [&long=proxy &desc='Serve this connection to other programs until stopped, signed in again as needed; LISTEN is a port, a loopback address with one, or a directory for a socket [default: a private socket]' &arg-optional=$true &arg-desc='LISTEN' &completer={|_| }]
    [&long=drain &desc='Let the connections of --proxy finish for so long after it is told to stop [default: 30]' &arg-required=$true &arg-desc='SECONDS' &completer={|_| }]
    [&long=print-env &desc='Print the connection, token and all, as assignments for SHELL: sh, fish, powershell, cmd or nu (default: the calling shell)' &arg-optional=$true &arg-desc='SHELL' &completer=(one-of 'sh' 'fish' 'powershell' 'cmd' 'nu')]
    [&long=print-conninfo &desc='Print the connection as a connection string, without the token']
    [&long=print-token &desc='Print the token alone']
    [&long=fresh &desc='Get a new token, whatever is remembered']
    [&long=sign-out &desc='Forget the sign-ins of --auth browser and device-code and every remembered token, and do nothing else']
    [&long=timeout &desc='How long the whole of signing in may take (default 30, and 900 where a person signs in)' &arg-required=$true &arg-desc='SECONDS' &completer={|_| }]
    [&long=dry-run &desc='Sign in, then print what would be run and why, secrets hidden, and run nothing']
    [&long=completions &desc='Print the completion script for bash, zsh, fish, powershell or elvish, and end' &arg-required=$true &arg-desc='SHELL' &completer=(one-of 'bash' 'zsh' 'fish' 'powershell' 'elvish')]
    [&long=doctor &desc='Check every link of signing in, and say what to do; as text, or with `json` for a report of a bug' &arg-optional=$true &arg-desc='FORMAT' &completer=(one-of 'json')]
    [&long=entra-verbose &desc='Say on standard error what was decided']
  ]
  # END GENERATED

  # What stands behind --exec is another program's.
  var program = []
  var behind = $false
  for word $words {
    if $behind { set program = [$@program $word] }
    if (eq $word --exec) { set behind = $true }
  }
  if (> (count $program) 0) {
    edit:complete-sudo entra-psql $@program
  } else {
    edit:complete-getopt $words[1..] $options [$database~ {|_| }]
  }
}
