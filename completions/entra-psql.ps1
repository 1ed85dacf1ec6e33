# PowerShell completion for entra-psql: its own options and psql's.
# `UPDATE_DOCS=1 cargo test --test docs` generates the part between the two marks.
#
# It is registered for `psql` too if that is an alias of entra-psql.
#
# Nothing is run on Tab. Hosts and services come from libpq's service files, servers from the last
# `entra-psql --servers`, and groups from the last `entra-psql --whoami`.

Register-ArgumentCompleter -Native -CommandName @('entra-psql', 'entra-psql.exe'; if ((Get-Alias psql -ErrorAction Ignore).Definition -like 'entra-psql*') { 'psql' }) -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    # BEGIN GENERATED
    # Every option: its spelling, the kind of its value (nothing for a flag), and its description.
    $options = @(
        @{ Long = 'echo-all'; Short = 'a'; Kind = ''; Optional = $false; Help = 'Print all input lines that are not empty' }
        @{ Long = 'no-align'; Short = 'A'; Kind = ''; Optional = $false; Help = 'Print rows unaligned' }
        @{ Long = 'command'; Short = 'c'; Kind = 'anything'; Optional = $false; Help = 'Run one SQL or backslash command, then exit' }
        @{ Long = 'dbname'; Short = 'd'; Kind = 'database'; Optional = $false; Help = 'Connect to a database, connection string, URI or service=NAME' }
        @{ Long = 'echo-queries'; Short = 'e'; Kind = ''; Optional = $false; Help = 'Print each query that is sent' }
        @{ Long = 'echo-errors'; Short = 'b'; Kind = ''; Optional = $false; Help = 'Print commands that fail' }
        @{ Long = 'echo-hidden'; Short = 'E'; Kind = ''; Optional = $false; Help = 'Print the queries of backslash commands' }
        @{ Long = 'file'; Short = 'f'; Kind = 'file'; Optional = $false; Help = 'Run the commands in FILE, then exit' }
        @{ Long = 'field-separator'; Short = 'F'; Kind = 'anything'; Optional = $false; Help = 'Separate the fields of unaligned rows with TEXT' }
        @{ Long = 'field-separator-zero'; Short = 'z'; Kind = ''; Optional = $false; Help = 'Separate the fields of unaligned rows with a zero byte' }
        @{ Long = 'host'; Short = 'h'; Kind = 'host'; Optional = $false; Help = 'Connect to this host, or to the socket in this directory' }
        @{ Long = 'html'; Short = 'H'; Kind = ''; Optional = $false; Help = 'Print rows as an HTML table' }
        @{ Long = 'list'; Short = 'l'; Kind = ''; Optional = $false; Help = 'List the databases, then exit' }
        @{ Long = 'log-file'; Short = 'L'; Kind = 'file'; Optional = $false; Help = 'Also write the session to FILE' }
        @{ Long = 'no-readline'; Short = 'n'; Kind = ''; Optional = $false; Help = 'Turn off line editing' }
        @{ Long = 'single-transaction'; Short = '1'; Kind = ''; Optional = $false; Help = 'Run all commands of -c and -f in one transaction' }
        @{ Long = 'output'; Short = 'o'; Kind = 'file'; Optional = $false; Help = 'Write results to FILE, or to |COMMAND' }
        @{ Long = 'port'; Short = 'p'; Kind = 'anything'; Optional = $false; Help = 'Connect to this port' }
        @{ Long = 'pset'; Short = 'P'; Kind = 'words'; Optional = $false; Help = 'Set a printing parameter' }
        @{ Long = 'quiet'; Short = 'q'; Kind = ''; Optional = $false; Help = 'Print only results' }
        @{ Long = 'record-separator'; Short = 'R'; Kind = 'anything'; Optional = $false; Help = 'Separate unaligned rows with TEXT' }
        @{ Long = 'record-separator-zero'; Short = '0'; Kind = ''; Optional = $false; Help = 'Separate unaligned rows with a zero byte' }
        @{ Long = 'single-step'; Short = 's'; Kind = ''; Optional = $false; Help = 'Ask before each command' }
        @{ Long = 'single-line'; Short = 'S'; Kind = ''; Optional = $false; Help = 'End commands at the end of a line' }
        @{ Long = 'tuples-only'; Short = 't'; Kind = ''; Optional = $false; Help = 'Print only rows, without headings' }
        @{ Long = 'table-attr'; Short = 'T'; Kind = 'anything'; Optional = $false; Help = 'Set attributes of the HTML table tag' }
        @{ Long = 'username'; Short = 'U'; Kind = 'anything'; Optional = $false; Help = 'Sign in as this role' }
        @{ Long = 'set'; Short = 'v'; Kind = 'words'; Optional = $false; Help = 'Set a variable of psql' }
        @{ Long = 'variable'; Short = ''; Kind = 'words'; Optional = $false; Help = 'Set a variable of psql' }
        @{ Long = 'version'; Short = 'V'; Kind = ''; Optional = $false; Help = 'Print the version, then exit' }
        @{ Long = 'no-password'; Short = 'w'; Kind = ''; Optional = $false; Help = 'Never ask for a password' }
        @{ Long = 'password'; Short = 'W'; Kind = ''; Optional = $false; Help = 'Ask for a password before connecting' }
        @{ Long = 'expanded'; Short = 'x'; Kind = ''; Optional = $false; Help = 'Print each field on its own line' }
        @{ Long = 'no-psqlrc'; Short = 'X'; Kind = ''; Optional = $false; Help = 'Don''t read the start-up files' }
        @{ Long = 'help'; Short = '?'; Kind = 'words'; Optional = $true; Help = 'Print help, then exit' }
        @{ Long = 'csv'; Short = ''; Kind = ''; Optional = $false; Help = 'Print rows as comma-separated values' }
        @{ Long = 'group'; Short = ''; Kind = 'group'; Optional = $false; Help = 'Sign in as the Entra group NAME, of which you are a member' }
        @{ Long = 'auth'; Short = ''; Kind = 'words'; Optional = $false; Help = 'Choose how to get the access token' }
        @{ Long = 'tenant'; Short = ''; Kind = 'anything'; Optional = $false; Help = 'Get the token from this tenant, named by its id or domain' }
        @{ Long = 'client-id'; Short = ''; Kind = 'anything'; Optional = $false; Help = 'Sign in as this application or user-assigned managed identity' }
        @{ Long = 'subscription'; Short = ''; Kind = 'anything'; Optional = $false; Help = 'Use the Azure CLI account of this subscription, named by its id or name' }
        @{ Long = 'server'; Short = ''; Kind = 'server'; Optional = $false; Help = 'Connect to the server NAME among those you may see, in place of -h' }
        @{ Long = 'servers'; Short = ''; Kind = 'words'; Optional = $true; Help = 'List the servers that you may see in Azure' }
        @{ Long = 'entra'; Short = ''; Kind = ''; Optional = $false; Help = 'Sign in to this server, whatever its name' }
        @{ Long = 'no-entra'; Short = ''; Kind = ''; Optional = $false; Help = 'Run plain psql without signing in' }
        @{ Long = 'cloud'; Short = ''; Kind = 'words'; Optional = $false; Help = 'Name the server''s Azure cloud' }
        @{ Long = 'resource'; Short = ''; Kind = 'anything'; Optional = $false; Help = 'Request a token for this resource' }
        @{ Long = 'single-server'; Short = ''; Kind = ''; Optional = $false; Help = 'Append @SERVERNAME to the role, as Azure Single Server requires' }
        @{ Long = 'psql'; Short = ''; Kind = 'file'; Optional = $false; Help = 'Run this psql' }
        @{ Long = 'exec'; Short = ''; Kind = 'program'; Optional = $false; Help = 'Run PROGRAM instead of psql, with the connection in PG* variables' }
        @{ Long = 'print-env'; Short = ''; Kind = 'words'; Optional = $true; Help = 'Print the connection and its token as assignments for a shell' }
        @{ Long = 'print-conninfo'; Short = ''; Kind = ''; Optional = $false; Help = 'Print the connection as a connection string, without the token' }
        @{ Long = 'print-token'; Short = ''; Kind = ''; Optional = $false; Help = 'Print only the access token' }
        @{ Long = 'dry-run'; Short = ''; Kind = ''; Optional = $false; Help = 'Sign in, then print what would run and why, with secrets hidden' }
        @{ Long = 'renew'; Short = ''; Kind = 'anything'; Optional = $true; Help = 'Sign in again for every later connection of psql or of --exec' }
        @{ Long = 'url'; Short = ''; Kind = 'anything'; Optional = $true; Help = 'With --renew and --exec, also set variable NAME to the connection''s URI' }
        @{ Long = 'proxy'; Short = ''; Kind = 'anything'; Optional = $true; Help = 'Serve the connection to other programs until stopped' }
        @{ Long = 'drain'; Short = ''; Kind = 'anything'; Optional = $false; Help = 'Limit how long open connections may continue after --proxy is stopped' }
        @{ Long = 'fresh'; Short = ''; Kind = ''; Optional = $false; Help = 'Ignore the cached token and ask for a new one' }
        @{ Long = 'timeout'; Short = ''; Kind = 'anything'; Optional = $false; Help = 'Limit the time that signing in may take' }
        @{ Long = 'sign-out'; Short = ''; Kind = ''; Optional = $false; Help = 'Delete all cached tokens and the sign-ins of browser and device-code' }
        @{ Long = 'whoami'; Short = ''; Kind = 'words'; Optional = $true; Help = 'Report who you are signed in as, and your groups' }
        @{ Long = 'doctor'; Short = ''; Kind = 'words'; Optional = $true; Help = 'Check every step of signing in, and report what to fix' }
        @{ Long = 'entra-verbose'; Short = ''; Kind = ''; Optional = $false; Help = 'Explain on standard error what was decided' }
        @{ Long = 'completions'; Short = ''; Kind = 'words'; Optional = $false; Help = 'Print the completion script for a shell' }
        @{ Long = 'no-descriptions'; Short = ''; Kind = ''; Optional = $false; Help = 'With --completions, leave out what each option is for' }
    )
    $words = @{
        'pset' = @('border=0', 'border=1', 'border=2', 'columns=', 'csv_fieldsep=', 'expanded=on', 'expanded=off', 'expanded=auto', 'fieldsep=', 'fieldsep_zero=on', 'fieldsep_zero=off', 'footer=on', 'footer=off', 'format=aligned', 'format=asciidoc', 'format=csv', 'format=html', 'format=latex', 'format=latex-longtable', 'format=troff-ms', 'format=unaligned', 'format=wrapped', 'linestyle=ascii', 'linestyle=old-ascii', 'linestyle=unicode', 'null=', 'numericlocale=on', 'numericlocale=off', 'pager=on', 'pager=off', 'pager=always', 'pager_min_lines=', 'recordsep=', 'recordsep_zero=on', 'recordsep_zero=off', 'tableattr=', 'title=', 'tuples_only=on', 'tuples_only=off', 'unicode_border_linestyle=single', 'unicode_border_linestyle=double', 'unicode_column_linestyle=single', 'unicode_column_linestyle=double', 'unicode_header_linestyle=single', 'unicode_header_linestyle=double', 'xheader_width=full', 'xheader_width=column', 'xheader_width=page')
        'set' = @('AUTOCOMMIT=on', 'AUTOCOMMIT=off', 'COMP_KEYWORD_CASE=lower', 'COMP_KEYWORD_CASE=upper', 'COMP_KEYWORD_CASE=preserve-lower', 'COMP_KEYWORD_CASE=preserve-upper', 'ECHO=all', 'ECHO=errors', 'ECHO=none', 'ECHO=queries', 'ECHO_HIDDEN=on', 'ECHO_HIDDEN=off', 'ECHO_HIDDEN=noexec', 'FETCH_COUNT=', 'HIDE_TABLEAM=on', 'HIDE_TABLEAM=off', 'HIDE_TOAST_COMPRESSION=on', 'HIDE_TOAST_COMPRESSION=off', 'HISTCONTROL=ignorespace', 'HISTCONTROL=ignoredups', 'HISTCONTROL=ignoreboth', 'HISTCONTROL=none', 'HISTFILE=', 'HISTSIZE=', 'IGNOREEOF=', 'ON_ERROR_ROLLBACK=on', 'ON_ERROR_ROLLBACK=off', 'ON_ERROR_ROLLBACK=interactive', 'ON_ERROR_STOP=on', 'ON_ERROR_STOP=off', 'PROMPT1=', 'PROMPT2=', 'PROMPT3=', 'QUIET=on', 'QUIET=off', 'SHOW_ALL_RESULTS=on', 'SHOW_ALL_RESULTS=off', 'SHOW_CONTEXT=never', 'SHOW_CONTEXT=errors', 'SHOW_CONTEXT=always', 'SINGLELINE=on', 'SINGLELINE=off', 'SINGLESTEP=on', 'SINGLESTEP=off', 'VERBOSITY=default', 'VERBOSITY=verbose', 'VERBOSITY=terse', 'VERBOSITY=sqlstate')
        'variable' = @('AUTOCOMMIT=on', 'AUTOCOMMIT=off', 'COMP_KEYWORD_CASE=lower', 'COMP_KEYWORD_CASE=upper', 'COMP_KEYWORD_CASE=preserve-lower', 'COMP_KEYWORD_CASE=preserve-upper', 'ECHO=all', 'ECHO=errors', 'ECHO=none', 'ECHO=queries', 'ECHO_HIDDEN=on', 'ECHO_HIDDEN=off', 'ECHO_HIDDEN=noexec', 'FETCH_COUNT=', 'HIDE_TABLEAM=on', 'HIDE_TABLEAM=off', 'HIDE_TOAST_COMPRESSION=on', 'HIDE_TOAST_COMPRESSION=off', 'HISTCONTROL=ignorespace', 'HISTCONTROL=ignoredups', 'HISTCONTROL=ignoreboth', 'HISTCONTROL=none', 'HISTFILE=', 'HISTSIZE=', 'IGNOREEOF=', 'ON_ERROR_ROLLBACK=on', 'ON_ERROR_ROLLBACK=off', 'ON_ERROR_ROLLBACK=interactive', 'ON_ERROR_STOP=on', 'ON_ERROR_STOP=off', 'PROMPT1=', 'PROMPT2=', 'PROMPT3=', 'QUIET=on', 'QUIET=off', 'SHOW_ALL_RESULTS=on', 'SHOW_ALL_RESULTS=off', 'SHOW_CONTEXT=never', 'SHOW_CONTEXT=errors', 'SHOW_CONTEXT=always', 'SINGLELINE=on', 'SINGLELINE=off', 'SINGLESTEP=on', 'SINGLESTEP=off', 'VERBOSITY=default', 'VERBOSITY=verbose', 'VERBOSITY=terse', 'VERBOSITY=sqlstate')
        'help' = @('options', 'commands', 'variables')
        'auth' = @('auto', 'azure-cli', 'azd', 'managed-identity', 'workload-identity', 'client-secret', 'client-certificate', 'azure-pipelines', 'github-actions', 'browser', 'device-code', 'env')
        'servers' = @('text', 'json')
        'cloud' = @('AzureCloud', 'AzureUSGovernment', 'AzureChinaCloud', 'AzureGermanCloud', 'AzureBleuCloud')
        'print-env' = @('sh', 'fish', 'powershell', 'cmd', 'nu')
        'whoami' = @('text', 'json')
        'doctor' = @('text', 'json')
        'completions' = @('bash', 'zsh', 'fish', 'powershell', 'elvish')
    }
    # END GENERATED

    # Returns what a pattern finds in the first lines of a file.
    function Find-InFile($file, $pattern) {
        if (-not (Test-Path -LiteralPath $file -PathType Leaf)) { return }
        foreach ($line in Get-Content -LiteralPath $file -TotalCount 5000 -Encoding UTF8 -ErrorAction Ignore) {
            if ($line -match $pattern) { $Matches[1] }
        }
    }

    # The same for a file among those that entra-psql keeps.
    function Find-Kept($name, $pattern) {
        foreach ($parent in $env:LOCALAPPDATA, $env:XDG_RUNTIME_DIR, $env:XDG_CACHE_HOME, "$HOME/.cache", "$HOME/Library/Caches") {
            if (-not $parent -or -not [System.IO.Path]::IsPathRooted($parent)) { continue }
            if (Test-Path -LiteralPath "$parent/entra-psql/$name" -PathType Leaf) {
                return Find-InFile "$parent/entra-psql/$name" $pattern
            }
        }
    }

    # The same for the service files.
    function Find-InServices($pattern) {
        $own = if ($env:PGSERVICEFILE) { $env:PGSERVICEFILE } elseif ($env:APPDATA) { "$env:APPDATA\postgresql\.pg_service.conf" } else { "$HOME/.pg_service.conf" }
        Find-InFile $own $pattern
        if ($env:PGSYSCONFDIR) { Find-InFile "$env:PGSYSCONFDIR/pg_service.conf" $pattern }
    }

    function Get-Value($option) {
        switch ($option.Kind) {
            'host' {
                Find-InServices '^\s*host=([^,\s\p{Cc}]+)\s*$'
                Find-Kept 'servers.txt' '^([^\p{Cc}]+)\t'
            }
            'database' {
                # As it's written in a connection string.
                Find-InServices '^\s*\[([^\]\p{Cc}]+)\]' | ForEach-Object { 'service=' + ($_ -replace '[\s\\'']', '\$0') }
            }
            'server' { Find-Kept 'servers.txt' '\t([^\p{Cc}]+)$' }
            'group' { Find-Kept 'groups.txt' '^([^\p{Cc}]+)$' }
            'words' { $words[$option.Long] }
        }
    }

    # Returns the option that a word ends with, if its value is attached or in the next word.
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

    # Returns a word without the quotes that are typed around it or its value.
    function Remove-Quotes($word) {
        $word -replace '^(--[\w-]+=|-\w+)?["''](.*?)["'']?$', '$1$2'
    }

    # Returns a word as it's typed, in quotes if PowerShell would read something into it.
    function Add-Quotes($word) {
        if ($word -match '^[\w./:=+-]+$' -and $word -notmatch '^-[^-].*[.:]') { return $word }
        "'" + [System.Management.Automation.Language.CodeGeneration]::EscapeSingleQuotedStringContent($word) + "'"
    }

    function Complete-With($candidates, $before) {
        foreach ($candidate in $candidates | Select-Object -Unique) {
            $text = $before + $candidate
            if ($text.StartsWith($typed, [System.StringComparison]::Ordinal)) {
                [System.Management.Automation.CompletionResult]::new((Add-Quotes $text), $text, 'ParameterValue', $text)
            }
        }
    }

    $typed = Remove-Quotes $wordToComplete
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
    } elseif ($ended -or -not $typed.StartsWith('-')) {
        if ($operands -eq 0) { Complete-With (Get-Value @{ Kind = 'database' }) '' }
    } elseif ($typed -match '^--[^=]*$|^-$') {
        foreach ($option in $options) {
            foreach ($text in "--$($option.Long)", $(if ($option.Short) { "-$($option.Short)" })) {
                if ($text -and $text.StartsWith($typed)) {
                    $about = if ($option.Help) { $option.Help } else { $text }
                    [System.Management.Automation.CompletionResult]::new($text, $text, 'ParameterName', $about)
                }
            }
        }
    } else {
        $read = Read-Option $typed
        if ($read.Option) { Complete-With (Get-Value $read.Option) $read.Before }
    }
}
