# PowerShell completion for entra-psql: its own options and psql's.
# `UPDATE_DOCS=1 cargo test --test docs` writes the part between the two marks, from the option tables.
#
# It is registered for `psql` too where that is an alias of entra-psql.
#
# It starts no program. Hosts and services come from libpq's service files.

Register-ArgumentCompleter -Native -CommandName @('entra-psql', 'entra-psql.exe'; if ((Get-Alias psql -ErrorAction Ignore).Definition -like 'entra-psql*') { 'psql' }) -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    # BEGIN GENERATED
    # Every option: how it is spelled, what its value is (nothing for a flag), and what it does.
    $options = @(
        @{ Long = 'echo-all'; Short = 'a'; Kind = ''; Optional = $false; Help = 'Print every line of input that is not empty' }
        @{ Long = 'no-align'; Short = 'A'; Kind = ''; Optional = $false; Help = 'Print rows unaligned' }
        @{ Long = 'command'; Short = 'c'; Kind = 'anything'; Optional = $false; Help = 'Run this command, SQL or a backslash command, and end' }
        @{ Long = 'dbname'; Short = 'd'; Kind = 'database'; Optional = $false; Help = 'The database, a connection string, a URI or service=NAME' }
        @{ Long = 'echo-queries'; Short = 'e'; Kind = ''; Optional = $false; Help = 'Print each query before it is sent' }
        @{ Long = 'echo-errors'; Short = 'b'; Kind = ''; Optional = $false; Help = 'Print commands that fail' }
        @{ Long = 'echo-hidden'; Short = 'E'; Kind = ''; Optional = $false; Help = 'Print the queries behind backslash commands' }
        @{ Long = 'file'; Short = 'f'; Kind = 'file'; Optional = $false; Help = 'Run the commands in FILE, and end' }
        @{ Long = 'field-separator'; Short = 'F'; Kind = 'anything'; Optional = $false; Help = 'What stands between the fields of unaligned rows' }
        @{ Long = 'field-separator-zero'; Short = 'z'; Kind = ''; Optional = $false; Help = 'A zero byte between the fields of unaligned rows' }
        @{ Long = 'host'; Short = 'h'; Kind = 'host'; Optional = $false; Help = 'The server''s name, or the directory of its socket' }
        @{ Long = 'html'; Short = 'H'; Kind = ''; Optional = $false; Help = 'Print rows as an HTML table' }
        @{ Long = 'list'; Short = 'l'; Kind = ''; Optional = $false; Help = 'List the databases, and end' }
        @{ Long = 'log-file'; Short = 'L'; Kind = 'file'; Optional = $false; Help = 'Write the session to FILE as well' }
        @{ Long = 'no-readline'; Short = 'n'; Kind = ''; Optional = $false; Help = 'Do not edit lines' }
        @{ Long = 'single-transaction'; Short = '1'; Kind = ''; Optional = $false; Help = 'Run all of -c and -f in one transaction' }
        @{ Long = 'output'; Short = 'o'; Kind = 'file'; Optional = $false; Help = 'Write results to FILE, or into |COMMAND' }
        @{ Long = 'port'; Short = 'p'; Kind = 'anything'; Optional = $false; Help = 'The server''s port' }
        @{ Long = 'pset'; Short = 'P'; Kind = 'words'; Optional = $false; Help = 'Set a printing parameter' }
        @{ Long = 'quiet'; Short = 'q'; Kind = ''; Optional = $false; Help = 'Print results and nothing else' }
        @{ Long = 'record-separator'; Short = 'R'; Kind = 'anything'; Optional = $false; Help = 'What stands between unaligned rows' }
        @{ Long = 'record-separator-zero'; Short = '0'; Kind = ''; Optional = $false; Help = 'A zero byte between unaligned rows' }
        @{ Long = 'single-step'; Short = 's'; Kind = ''; Optional = $false; Help = 'Ask before each command' }
        @{ Long = 'single-line'; Short = 'S'; Kind = ''; Optional = $false; Help = 'Let the end of a line end a command' }
        @{ Long = 'tuples-only'; Short = 't'; Kind = ''; Optional = $false; Help = 'Print rows without headings' }
        @{ Long = 'table-attr'; Short = 'T'; Kind = 'anything'; Optional = $false; Help = 'Attributes for the tag of an HTML table' }
        @{ Long = 'username'; Short = 'U'; Kind = 'anything'; Optional = $false; Help = 'The role to sign in as' }
        @{ Long = 'set'; Short = 'v'; Kind = 'words'; Optional = $false; Help = 'Set a variable of psql' }
        @{ Long = 'variable'; Short = ''; Kind = 'words'; Optional = $false; Help = 'Set a variable of psql' }
        @{ Long = 'version'; Short = 'V'; Kind = ''; Optional = $false; Help = 'Print the version, and end' }
        @{ Long = 'no-password'; Short = 'w'; Kind = ''; Optional = $false; Help = 'Never ask for a password' }
        @{ Long = 'password'; Short = 'W'; Kind = ''; Optional = $false; Help = 'Ask for a password before connecting' }
        @{ Long = 'expanded'; Short = 'x'; Kind = ''; Optional = $false; Help = 'Print each field on a line of its own' }
        @{ Long = 'no-psqlrc'; Short = 'X'; Kind = ''; Optional = $false; Help = 'Do not read the start-up files' }
        @{ Long = 'help'; Short = '?'; Kind = 'words'; Optional = $true; Help = 'Print help, and end' }
        @{ Long = 'csv'; Short = ''; Kind = ''; Optional = $false; Help = 'Print rows as comma-separated values' }
        @{ Long = 'group'; Short = ''; Kind = 'anything'; Optional = $false; Help = 'Sign in as the Entra group NAME, of which you are a member' }
        @{ Long = 'auth'; Short = ''; Kind = 'words'; Optional = $false; Help = 'How to get the token: auto, azure-cli, azd, managed-identity, workload-identity, client-secret, client-certificate, azure-pipelines, github-actions, browser, device-code or env' }
        @{ Long = 'tenant'; Short = ''; Kind = 'anything'; Optional = $false; Help = 'The tenant to get the token from, by id or domain' }
        @{ Long = 'client-id'; Short = ''; Kind = 'anything'; Optional = $false; Help = 'The application, or the user-assigned managed identity, to get the token as' }
        @{ Long = 'subscription'; Short = ''; Kind = 'anything'; Optional = $false; Help = 'The Azure CLI''s subscription, and so the account, to get the token with' }
        @{ Long = 'cloud'; Short = ''; Kind = 'words'; Optional = $false; Help = 'The Azure cloud of the server, where its name does not say: AzureCloud, AzureUSGovernment, …, or one that az has registered' }
        @{ Long = 'resource'; Short = ''; Kind = 'anything'; Optional = $false; Help = 'What the token is asked for, where neither the server''s name nor --cloud says it' }
        @{ Long = 'entra'; Short = ''; Kind = ''; Optional = $false; Help = 'This server wants a token, whatever its name (for standing trust: ENTRA_PSQL_TRUSTED_HOSTS)' }
        @{ Long = 'no-entra'; Short = ''; Kind = ''; Optional = $false; Help = 'No token at all: psql and nothing else' }
        @{ Long = 'single-server'; Short = ''; Kind = ''; Optional = $false; Help = 'Append @servername to the role, as Single Server wants it' }
        @{ Long = 'psql'; Short = ''; Kind = 'file'; Optional = $false; Help = 'The psql to become' }
        @{ Long = 'exec'; Short = ''; Kind = 'program'; Optional = $false; Help = 'Run PROGRAM in psql''s place, with the whole connection in its PG… variables; all words behind it are its own' }
        @{ Long = 'renew'; Short = ''; Kind = 'anything'; Optional = $true; Help = 'Sign in again for each connection that psql, or the program of --exec, opens later; with tcp, the program connects to a local port and not to a socket' }
        @{ Long = 'url'; Short = ''; Kind = 'anything'; Optional = $true; Help = 'With --renew and --exec, also give the program the connection as a URI in the variable NAME [default: DATABASE_URL]' }
        @{ Long = 'proxy'; Short = ''; Kind = 'anything'; Optional = $true; Help = 'Serve this connection to other programs until stopped, signed in again as needed; LISTEN is a port, a loopback address with one, or a directory for a socket [default: a private socket]' }
        @{ Long = 'drain'; Short = ''; Kind = 'anything'; Optional = $false; Help = 'Let the connections of --proxy finish for so long after it is told to stop [default: 30]' }
        @{ Long = 'print-env'; Short = ''; Kind = 'words'; Optional = $true; Help = 'Print the connection, token and all, as assignments for SHELL: sh, fish, powershell, cmd or nu (default: the calling shell)' }
        @{ Long = 'print-conninfo'; Short = ''; Kind = ''; Optional = $false; Help = 'Print the connection as a connection string, without the token' }
        @{ Long = 'print-token'; Short = ''; Kind = ''; Optional = $false; Help = 'Print the token alone' }
        @{ Long = 'fresh'; Short = ''; Kind = ''; Optional = $false; Help = 'Get a new token, whatever is remembered' }
        @{ Long = 'sign-out'; Short = ''; Kind = ''; Optional = $false; Help = 'Forget the sign-ins of --auth browser and device-code and every remembered token, and do nothing else' }
        @{ Long = 'timeout'; Short = ''; Kind = 'anything'; Optional = $false; Help = 'How long the whole of signing in may take (default 30, and 900 where a person signs in)' }
        @{ Long = 'dry-run'; Short = ''; Kind = ''; Optional = $false; Help = 'Sign in, then print what would be run and why, secrets hidden, and run nothing' }
        @{ Long = 'completions'; Short = ''; Kind = 'words'; Optional = $false; Help = 'Print the completion script for bash, zsh, fish, powershell or elvish, and end' }
        @{ Long = 'doctor'; Short = ''; Kind = 'words'; Optional = $true; Help = 'Check every link of signing in, and say what to do; as text, or with `json` for a report of a bug' }
        @{ Long = 'entra-verbose'; Short = ''; Kind = ''; Optional = $false; Help = 'Say on standard error what was decided' }
    )
    $words = @{
        'pset' = @('border=0', 'border=1', 'border=2', 'columns=', 'csv_fieldsep=', 'expanded=on', 'expanded=off', 'expanded=auto', 'fieldsep=', 'fieldsep_zero=on', 'fieldsep_zero=off', 'footer=on', 'footer=off', 'format=aligned', 'format=asciidoc', 'format=csv', 'format=html', 'format=latex', 'format=latex-longtable', 'format=troff-ms', 'format=unaligned', 'format=wrapped', 'linestyle=ascii', 'linestyle=old-ascii', 'linestyle=unicode', 'null=', 'numericlocale=on', 'numericlocale=off', 'pager=on', 'pager=off', 'pager=always', 'pager_min_lines=', 'recordsep=', 'recordsep_zero=on', 'recordsep_zero=off', 'tableattr=', 'title=', 'tuples_only=on', 'tuples_only=off', 'unicode_border_linestyle=single', 'unicode_border_linestyle=double', 'unicode_column_linestyle=single', 'unicode_column_linestyle=double', 'unicode_header_linestyle=single', 'unicode_header_linestyle=double', 'xheader_width=full', 'xheader_width=column', 'xheader_width=page')
        'set' = @('AUTOCOMMIT=on', 'AUTOCOMMIT=off', 'COMP_KEYWORD_CASE=lower', 'COMP_KEYWORD_CASE=upper', 'COMP_KEYWORD_CASE=preserve-lower', 'COMP_KEYWORD_CASE=preserve-upper', 'ECHO=all', 'ECHO=errors', 'ECHO=none', 'ECHO=queries', 'ECHO_HIDDEN=on', 'ECHO_HIDDEN=off', 'ECHO_HIDDEN=noexec', 'FETCH_COUNT=', 'HIDE_TABLEAM=on', 'HIDE_TABLEAM=off', 'HIDE_TOAST_COMPRESSION=on', 'HIDE_TOAST_COMPRESSION=off', 'HISTCONTROL=ignorespace', 'HISTCONTROL=ignoredups', 'HISTCONTROL=ignoreboth', 'HISTCONTROL=none', 'HISTFILE=', 'HISTSIZE=', 'IGNOREEOF=', 'ON_ERROR_ROLLBACK=on', 'ON_ERROR_ROLLBACK=off', 'ON_ERROR_ROLLBACK=interactive', 'ON_ERROR_STOP=on', 'ON_ERROR_STOP=off', 'PROMPT1=', 'PROMPT2=', 'PROMPT3=', 'QUIET=on', 'QUIET=off', 'SHOW_ALL_RESULTS=on', 'SHOW_ALL_RESULTS=off', 'SHOW_CONTEXT=never', 'SHOW_CONTEXT=errors', 'SHOW_CONTEXT=always', 'SINGLELINE=on', 'SINGLELINE=off', 'SINGLESTEP=on', 'SINGLESTEP=off', 'VERBOSITY=default', 'VERBOSITY=verbose', 'VERBOSITY=terse', 'VERBOSITY=sqlstate')
        'variable' = @('AUTOCOMMIT=on', 'AUTOCOMMIT=off', 'COMP_KEYWORD_CASE=lower', 'COMP_KEYWORD_CASE=upper', 'COMP_KEYWORD_CASE=preserve-lower', 'COMP_KEYWORD_CASE=preserve-upper', 'ECHO=all', 'ECHO=errors', 'ECHO=none', 'ECHO=queries', 'ECHO_HIDDEN=on', 'ECHO_HIDDEN=off', 'ECHO_HIDDEN=noexec', 'FETCH_COUNT=', 'HIDE_TABLEAM=on', 'HIDE_TABLEAM=off', 'HIDE_TOAST_COMPRESSION=on', 'HIDE_TOAST_COMPRESSION=off', 'HISTCONTROL=ignorespace', 'HISTCONTROL=ignoredups', 'HISTCONTROL=ignoreboth', 'HISTCONTROL=none', 'HISTFILE=', 'HISTSIZE=', 'IGNOREEOF=', 'ON_ERROR_ROLLBACK=on', 'ON_ERROR_ROLLBACK=off', 'ON_ERROR_ROLLBACK=interactive', 'ON_ERROR_STOP=on', 'ON_ERROR_STOP=off', 'PROMPT1=', 'PROMPT2=', 'PROMPT3=', 'QUIET=on', 'QUIET=off', 'SHOW_ALL_RESULTS=on', 'SHOW_ALL_RESULTS=off', 'SHOW_CONTEXT=never', 'SHOW_CONTEXT=errors', 'SHOW_CONTEXT=always', 'SINGLELINE=on', 'SINGLELINE=off', 'SINGLESTEP=on', 'SINGLESTEP=off', 'VERBOSITY=default', 'VERBOSITY=verbose', 'VERBOSITY=terse', 'VERBOSITY=sqlstate')
        'help' = @('options', 'commands', 'variables')
        'auth' = @('auto', 'azure-cli', 'azd', 'managed-identity', 'workload-identity', 'client-secret', 'client-certificate', 'azure-pipelines', 'github-actions', 'browser', 'device-code', 'env')
        'cloud' = @('AzureCloud', 'AzureUSGovernment', 'AzureChinaCloud', 'AzureGermanCloud', 'AzureBleuCloud')
        'print-env' = @('sh', 'fish', 'powershell', 'cmd', 'nu')
        'completions' = @('bash', 'zsh', 'fish', 'powershell', 'elvish')
        'doctor' = @('json')
    }
    # END GENERATED

    # The names of services or of hosts in the service files.
    function Get-FromServiceFile($pattern, $before) {
        $own = if ($env:PGSERVICEFILE) { $env:PGSERVICEFILE } elseif ($env:APPDATA) { "$env:APPDATA\postgresql\.pg_service.conf" } else { "$HOME/.pg_service.conf" }
        $files = @($own)
        if ($env:PGSYSCONFDIR) { $files += "$env:PGSYSCONFDIR/pg_service.conf" }
        foreach ($file in $files) {
            if (-not (Test-Path -LiteralPath $file -PathType Leaf)) { continue }
            foreach ($line in Get-Content -LiteralPath $file) {
                if ($line -match $pattern) { $before + $Matches[1] }
            }
        }
    }

    function Get-Value($option) {
        switch ($option.Kind) {
            'host' { Get-FromServiceFile '^\s*host=([\w.-]+)\s*$' '' }
            'database' { Get-FromServiceFile '^\s*\[([\w.-]+)\]' 'service=' }
            'words' { $words[$option.Long] }
        }
    }

    # The option that a word ends with, where that wants its value in the next word, or has it attached.
    function Read-Option($word) {
        if ($word.StartsWith('--')) {
            $name, $rest = $word.Substring(2) -split '=', 2
            $option = $options | Where-Object { $_.Long -ceq $name }
            return @{ Option = $option; Attached = $rest; Before = "--$name=" }
        }
        for ($at = 1; $at -lt $word.Length; $at++) {
            $letter = [string]$word[$at]
            $option = $options | Where-Object { $_.Short -ceq $letter }
            if ($option -and $option.Kind -and -not $option.Optional) {
                $attached = if ($at + 1 -lt $word.Length) { $word.Substring($at + 1) } else { $null }
                return @{ Option = $option; Attached = $attached; Before = $word.Substring(0, $at + 1) }
            }
        }
        return @{ Option = $null; Attached = $null; Before = $word }
    }

    function Complete-With($candidates, $before) {
        foreach ($candidate in $candidates) {
            $text = $before + $candidate
            if ($text.StartsWith($wordToComplete)) {
                [System.Management.Automation.CompletionResult]::new($text, $text, 'ParameterValue', $text)
            }
        }
    }

    $pending = $null
    $ended = $false
    $operands = 0
    foreach ($element in $commandAst.CommandElements | Select-Object -Skip 1) {
        if ($element.Extent.EndOffset -ge $cursorPosition) { break }
        $word = $element.Extent.Text
        if ($pending) { $pending = $null; continue }
        if ($ended -or -not $word.StartsWith('-') -or $word -eq '-') { $operands++; continue }
        if ($word -eq '--') { $ended = $true; continue }
        $read = Read-Option $word
        if ($read.Option.Kind -eq 'program') { return }
        if ($read.Option.Kind -and -not $read.Option.Optional -and $null -eq $read.Attached) { $pending = $read.Option }
    }

    if ($pending) {
        Complete-With (Get-Value $pending) ''
    } elseif ($ended -or -not $wordToComplete.StartsWith('-')) {
        if ($operands -eq 0) { Complete-With (Get-Value @{ Kind = 'database' }) '' }
    } elseif ($wordToComplete -match '^--[^=]*$|^-$') {
        foreach ($option in $options) {
            foreach ($text in "--$($option.Long)", $(if ($option.Short) { "-$($option.Short)" })) {
                if ($text -and $text.StartsWith($wordToComplete)) {
                    [System.Management.Automation.CompletionResult]::new($text, $text, 'ParameterName', $option.Help)
                }
            }
        }
    } else {
        $read = Read-Option $wordToComplete
        if ($read.Option) { Complete-With (Get-Value $read.Option) $read.Before }
    }
}
