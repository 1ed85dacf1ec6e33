# elvish completion for entra-psql: its own options and psql's.
# `UPDATE_DOCS=1 cargo test --test docs` generates the part between the two marks.
#
# For a function psql: set edit:completion:arg-completer[psql] = $edit:completion:arg-completer[entra-psql]
#
# Nothing is run on Tab. Hosts and services come from libpq's service files, servers from the last
# `entra-psql --servers`, and groups from the last `entra-psql --whoami`.

use path
use re
use str

set edit:completion:arg-completer[entra-psql] = {|@words|
  # Returns the value of a variable, or a default if that is unset or empty.
  fn variable {|name default|
    if (and (has-env $name) (not-eq (get-env $name) '')) { get-env $name } else { put $default }
  }

  # Returns the lines of a file, the first 5,000 at most.
  fn lines {|file|
    if (path:is-regular &follow-symlink=$true $file) {
      try { from-lines < $file | take 5000 } catch e { }
    }
  }

  # The same for a file among those that entra-psql keeps.
  fn kept {|name|
    for parent [(variable XDG_RUNTIME_DIR '') (variable XDG_CACHE_HOME ~/.cache) ~/Library/Caches (variable LOCALAPPDATA '')] {
      var file = $parent/entra-psql/$name
      if (and (path:is-abs $parent) (path:is-regular &follow-symlink=$true $file)) {
        lines $file
        return
      }
    }
  }

  # The same for the service files.
  fn service-lines {
    var own = ~/.pg_service.conf
    if (has-env APPDATA) { set own = (get-env APPDATA)/postgresql/.pg_service.conf }
    lines (variable PGSERVICEFILE $own)
    lines (variable PGSYSCONFDIR /etc/postgresql-common)/pg_service.conf
  }

  # Returns what a pattern finds in each line.
  fn found {|pattern|
    each {|line| for found [(re:find $pattern $line)] { put $found[groups][1][text] } }
  }

  fn host {|_|
    service-lines | found '^\s*host=([^,\s[:cntrl:]]+)\s*$'
    kept servers.txt | found '^([^[:cntrl:]]+)\t'
  }
  # Services are written as in a connection string.
  fn database {|_|
    service-lines | found '^\s*\[([^\][:cntrl:]]+)\]' | each {|name| put service=(re:replace '[\s\\'']' '\$0' $name) }
  }
  fn server {|_| kept servers.txt | found '\t([^[:cntrl:]]+)$' }
  fn group {|_| kept groups.txt | found '^([^[:cntrl:]]+)$' }
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
    [&short='a' &long=echo-all &desc='Print all input lines that are not empty']
    [&short='A' &long=no-align &desc='Print rows unaligned']
    [&short='c' &long=command &arg-required=$true &arg-desc='COMMAND' &completer={|_| } &desc='Run one SQL or backslash command, then exit']
    [&short='d' &long=dbname &arg-required=$true &arg-desc='DBNAME' &completer=$database~ &desc='Connect to a database, connection string, URI or service=NAME']
    [&short='e' &long=echo-queries &desc='Print each query that is sent']
    [&short='b' &long=echo-errors &desc='Print commands that fail']
    [&short='E' &long=echo-hidden &desc='Print the queries of backslash commands']
    [&short='f' &long=file &arg-required=$true &arg-desc='FILE' &completer=$file~ &desc='Run the commands in FILE, then exit']
    [&short='F' &long=field-separator &arg-required=$true &arg-desc='TEXT' &completer={|_| } &desc='Separate the fields of unaligned rows with TEXT']
    [&short='z' &long=field-separator-zero &desc='Separate the fields of unaligned rows with a zero byte']
    [&short='h' &long=host &arg-required=$true &arg-desc='HOST' &completer=$host~ &desc='Connect to this host, or to the socket in this directory']
    [&short='H' &long=html &desc='Print rows as an HTML table']
    [&short='l' &long=list &desc='List the databases, then exit']
    [&short='L' &long=log-file &arg-required=$true &arg-desc='FILE' &completer=$file~ &desc='Also write the session to FILE']
    [&short='n' &long=no-readline &desc='Turn off line editing']
    [&short='1' &long=single-transaction &desc='Run all commands of -c and -f in one transaction']
    [&short='o' &long=output &arg-required=$true &arg-desc='FILE' &completer=$file~ &desc='Write results to FILE, or to |COMMAND']
    [&short='p' &long=port &arg-required=$true &arg-desc='PORT' &completer={|_| } &desc='Connect to this port']
    [&short='P' &long=pset &arg-required=$true &arg-desc='NAME=VALUE' &completer=(one-of 'border=0' 'border=1' 'border=2' 'columns=' 'csv_fieldsep=' 'expanded=on' 'expanded=off' 'expanded=auto' 'fieldsep=' 'fieldsep_zero=on' 'fieldsep_zero=off' 'footer=on' 'footer=off' 'format=aligned' 'format=asciidoc' 'format=csv' 'format=html' 'format=latex' 'format=latex-longtable' 'format=troff-ms' 'format=unaligned' 'format=wrapped' 'linestyle=ascii' 'linestyle=old-ascii' 'linestyle=unicode' 'null=' 'numericlocale=on' 'numericlocale=off' 'pager=on' 'pager=off' 'pager=always' 'pager_min_lines=' 'recordsep=' 'recordsep_zero=on' 'recordsep_zero=off' 'tableattr=' 'title=' 'tuples_only=on' 'tuples_only=off' 'unicode_border_linestyle=single' 'unicode_border_linestyle=double' 'unicode_column_linestyle=single' 'unicode_column_linestyle=double' 'unicode_header_linestyle=single' 'unicode_header_linestyle=double' 'xheader_width=full' 'xheader_width=column' 'xheader_width=page') &desc='Set a printing parameter']
    [&short='q' &long=quiet &desc='Print only results']
    [&short='R' &long=record-separator &arg-required=$true &arg-desc='TEXT' &completer={|_| } &desc='Separate unaligned rows with TEXT']
    [&short='0' &long=record-separator-zero &desc='Separate unaligned rows with a zero byte']
    [&short='s' &long=single-step &desc='Ask before each command']
    [&short='S' &long=single-line &desc='End commands at the end of a line']
    [&short='t' &long=tuples-only &desc='Print only rows, without headings']
    [&short='T' &long=table-attr &arg-required=$true &arg-desc='TEXT' &completer={|_| } &desc='Set attributes of the HTML table tag']
    [&short='U' &long=username &arg-required=$true &arg-desc='NAME' &completer={|_| } &desc='Sign in as this role']
    [&short='v' &long=set &arg-required=$true &arg-desc='NAME=VALUE' &completer=(one-of 'AUTOCOMMIT=on' 'AUTOCOMMIT=off' 'COMP_KEYWORD_CASE=lower' 'COMP_KEYWORD_CASE=upper' 'COMP_KEYWORD_CASE=preserve-lower' 'COMP_KEYWORD_CASE=preserve-upper' 'ECHO=all' 'ECHO=errors' 'ECHO=none' 'ECHO=queries' 'ECHO_HIDDEN=on' 'ECHO_HIDDEN=off' 'ECHO_HIDDEN=noexec' 'FETCH_COUNT=' 'HIDE_TABLEAM=on' 'HIDE_TABLEAM=off' 'HIDE_TOAST_COMPRESSION=on' 'HIDE_TOAST_COMPRESSION=off' 'HISTCONTROL=ignorespace' 'HISTCONTROL=ignoredups' 'HISTCONTROL=ignoreboth' 'HISTCONTROL=none' 'HISTFILE=' 'HISTSIZE=' 'IGNOREEOF=' 'ON_ERROR_ROLLBACK=on' 'ON_ERROR_ROLLBACK=off' 'ON_ERROR_ROLLBACK=interactive' 'ON_ERROR_STOP=on' 'ON_ERROR_STOP=off' 'PROMPT1=' 'PROMPT2=' 'PROMPT3=' 'QUIET=on' 'QUIET=off' 'SHOW_ALL_RESULTS=on' 'SHOW_ALL_RESULTS=off' 'SHOW_CONTEXT=never' 'SHOW_CONTEXT=errors' 'SHOW_CONTEXT=always' 'SINGLELINE=on' 'SINGLELINE=off' 'SINGLESTEP=on' 'SINGLESTEP=off' 'VERBOSITY=default' 'VERBOSITY=verbose' 'VERBOSITY=terse' 'VERBOSITY=sqlstate') &desc='Set a variable of psql']
    [&long=variable &arg-required=$true &arg-desc='NAME=VALUE' &completer=(one-of 'AUTOCOMMIT=on' 'AUTOCOMMIT=off' 'COMP_KEYWORD_CASE=lower' 'COMP_KEYWORD_CASE=upper' 'COMP_KEYWORD_CASE=preserve-lower' 'COMP_KEYWORD_CASE=preserve-upper' 'ECHO=all' 'ECHO=errors' 'ECHO=none' 'ECHO=queries' 'ECHO_HIDDEN=on' 'ECHO_HIDDEN=off' 'ECHO_HIDDEN=noexec' 'FETCH_COUNT=' 'HIDE_TABLEAM=on' 'HIDE_TABLEAM=off' 'HIDE_TOAST_COMPRESSION=on' 'HIDE_TOAST_COMPRESSION=off' 'HISTCONTROL=ignorespace' 'HISTCONTROL=ignoredups' 'HISTCONTROL=ignoreboth' 'HISTCONTROL=none' 'HISTFILE=' 'HISTSIZE=' 'IGNOREEOF=' 'ON_ERROR_ROLLBACK=on' 'ON_ERROR_ROLLBACK=off' 'ON_ERROR_ROLLBACK=interactive' 'ON_ERROR_STOP=on' 'ON_ERROR_STOP=off' 'PROMPT1=' 'PROMPT2=' 'PROMPT3=' 'QUIET=on' 'QUIET=off' 'SHOW_ALL_RESULTS=on' 'SHOW_ALL_RESULTS=off' 'SHOW_CONTEXT=never' 'SHOW_CONTEXT=errors' 'SHOW_CONTEXT=always' 'SINGLELINE=on' 'SINGLELINE=off' 'SINGLESTEP=on' 'SINGLESTEP=off' 'VERBOSITY=default' 'VERBOSITY=verbose' 'VERBOSITY=terse' 'VERBOSITY=sqlstate') &desc='Set a variable of psql']
    [&short='V' &long=version &desc='Print the version, then exit']
    [&short='w' &long=no-password &desc='Never ask for a password']
    [&short='W' &long=password &desc='Ask for a password before connecting']
    [&short='x' &long=expanded &desc='Print each field on its own line']
    [&short='X' &long=no-psqlrc &desc='Don''t read the start-up files']
    [&short='?' &long=help &arg-optional=$true &arg-desc='TOPIC' &completer=(one-of 'options' 'commands' 'variables') &desc='Print help, then exit']
    [&long=csv &desc='Print rows as comma-separated values']
    [&long=group &arg-required=$true &arg-desc='NAME' &completer=$group~ &desc='Sign in as the Entra group NAME, of which you are a member']
    [&long=auth &arg-required=$true &arg-desc='METHOD' &completer=(one-of 'auto' 'azure-cli' 'azd' 'managed-identity' 'workload-identity' 'client-secret' 'client-certificate' 'azure-pipelines' 'github-actions' 'browser' 'device-code' 'env') &desc='Choose how to get the access token']
    [&long=tenant &arg-required=$true &arg-desc='ID' &completer={|_| } &desc='Get the token from this tenant, named by its id or domain']
    [&long=client-id &arg-required=$true &arg-desc='ID' &completer={|_| } &desc='Sign in as this application or user-assigned managed identity']
    [&long=subscription &arg-required=$true &arg-desc='ID' &completer={|_| } &desc='Use the Azure CLI account of this subscription, named by its id or name']
    [&long=server &arg-required=$true &arg-desc='NAME' &completer=$server~ &desc='Connect to the server NAME among those you may see, in place of -h']
    [&long=servers &arg-optional=$true &arg-desc='FORMAT' &completer=(one-of 'text' 'json') &desc='List the servers that you may see in Azure']
    [&long=entra &desc='Sign in to this server, whatever its name']
    [&long=no-entra &desc='Run plain psql without signing in']
    [&long=cloud &arg-required=$true &arg-desc='NAME' &completer=(one-of 'AzureCloud' 'AzureUSGovernment' 'AzureChinaCloud' 'AzureGermanCloud' 'AzureBleuCloud') &desc='Name the server''s Azure cloud']
    [&long=resource &arg-required=$true &arg-desc='URI' &completer={|_| } &desc='Request a token for this resource']
    [&long=single-server &desc='Append @SERVERNAME to the role, as Azure Single Server requires']
    [&long=psql &arg-required=$true &arg-desc='PATH' &completer=$file~ &desc='Run this psql']
    [&long=exec &arg-required=$true &arg-desc='PROGRAM [ARG]...' &completer={|_| } &desc='Run PROGRAM instead of psql, with the connection in PG* variables']
    [&long=print-env &arg-optional=$true &arg-desc='SHELL' &completer=(one-of 'sh' 'fish' 'powershell' 'cmd' 'nu') &desc='Print the connection and its token as assignments for a shell']
    [&long=print-conninfo &desc='Print the connection as a connection string, without the token']
    [&long=print-token &desc='Print only the access token']
    [&long=dry-run &desc='Sign in, then print what would run and why, with secrets hidden']
    [&long=renew &arg-optional=$true &arg-desc='tcp' &completer={|_| } &desc='Sign in again for every later connection of psql or of --exec']
    [&long=url &arg-optional=$true &arg-desc='NAME' &completer={|_| } &desc='With --renew and --exec, also set variable NAME to the connection''s URI']
    [&long=proxy &arg-optional=$true &arg-desc='LISTEN' &completer={|_| } &desc='Serve the connection to other programs until stopped']
    [&long=drain &arg-required=$true &arg-desc='SECONDS' &completer={|_| } &desc='Limit how long open connections may continue after --proxy is stopped']
    [&long=fresh &desc='Ignore the cached token and ask for a new one']
    [&long=timeout &arg-required=$true &arg-desc='SECONDS' &completer={|_| } &desc='Limit the time that signing in may take']
    [&long=sign-out &desc='Delete all cached tokens and the sign-ins of browser and device-code']
    [&long=whoami &arg-optional=$true &arg-desc='FORMAT' &completer=(one-of 'text' 'json') &desc='Report who you are signed in as, and your groups']
    [&long=doctor &arg-optional=$true &arg-desc='FORMAT' &completer=(one-of 'text' 'json') &desc='Check every step of signing in, and report what to fix']
    [&long=entra-verbose &desc='Explain on standard error what was decided']
    [&long=completions &arg-required=$true &arg-desc='SHELL' &completer=(one-of 'bash' 'zsh' 'fish' 'powershell' 'elvish') &desc='Print the completion script for a shell']
    [&long=no-descriptions &desc='With --completions, leave out what each option is for']
  ]
  # END GENERATED

  # Arguments after --exec belong to another program.
  var program = []
  var behind = $false
  for word $words {
    if $behind { set program = [$@program $word] }
    if (eq $word --exec) { set behind = $true }
  }
  if (> (count $program) 0) {
    edit:complete-sudo entra-psql $@program
  } else {
    # elvish offers the value alone, even if the word begins with its option.
    var letters = (str:join '' [(each {|option| if (and (has-key $option short) (has-key $option arg-required)) { put $option[short] } } $options)])
    var word before = $words[-1] ''
    for found [(re:find '^(?:--[^=]+=|-[^-'$letters']*['$letters'])' $word)] {
      if (not (has-value $words[..-1] --)) { set before = $found[text] }
    }
    edit:complete-getopt $words[1..] $options [$database~ {|_| }] | each {|found|
      if (eq $before '') {
        put $found
      } elif (eq (kind-of $found) string) {
        put $before$found
      } else {
        edit:complex-candidate $before$found[stem] &code-suffix=$found[code-suffix]
      }
    }
  }
}
