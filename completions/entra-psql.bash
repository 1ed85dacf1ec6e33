# bash completion for entra-psql: its own options and psql's.
# `UPDATE_DOCS=1 cargo test --test docs` generates the part between the two marks.
#
# For an alias: complete -F _entra_psql psql
#
# Nothing is run on Tab. Hosts and services come from libpq's service files, servers from the last
# `entra-psql --servers`, and groups from the last `entra-psql --whoami`.

# BEGIN GENERATED
# Sets `kind` to the kind of value that --$1 takes, or to nothing for a flag or an unknown option.
_entra_psql_long() {
    kind=''
    case $1 in
    command) kind=anything ;;
    dbname) kind=database ;;
    file) kind=file ;;
    field-separator) kind=anything ;;
    host) kind=host ;;
    log-file) kind=file ;;
    output) kind=file ;;
    port) kind=anything ;;
    pset) kind=pset ;;
    record-separator) kind=anything ;;
    table-attr) kind=anything ;;
    username) kind=anything ;;
    set) kind=set ;;
    variable) kind=variable ;;
    group) kind=group ;;
    auth) kind=auth ;;
    tenant) kind=anything ;;
    client-id) kind=anything ;;
    subscription) kind=anything ;;
    server) kind=server ;;
    cloud) kind=cloud ;;
    resource) kind=anything ;;
    psql) kind=file ;;
    exec) kind=program ;;
    drain) kind=anything ;;
    timeout) kind=anything ;;
    completions) kind=completions ;;
    esac
}

# The same for -$1.
_entra_psql_short() {
    kind=''
    case $1 in
    c) kind=anything ;;
    d) kind=database ;;
    f) kind=file ;;
    F) kind=anything ;;
    h) kind=host ;;
    L) kind=file ;;
    o) kind=file ;;
    p) kind=anything ;;
    P) kind=pset ;;
    R) kind=anything ;;
    T) kind=anything ;;
    U) kind=anything ;;
    v) kind=set ;;
    esac
}

# Sets `kind` for an option that takes its value only after a "=".
_entra_psql_optional() {
    case $1 in
    help) kind=help ;;
    servers) kind=servers ;;
    print-env) kind=print-env ;;
    renew) kind=anything ;;
    url) kind=anything ;;
    proxy) kind=anything ;;
    whoami) kind=whoami ;;
    doctor) kind=doctor ;;
    esac
}

# Adds the choices of a value of the kind $1.
_entra_psql_words() {
    case $1 in
    pset) candidates+=(border=0 border=1 border=2 columns= csv_fieldsep= expanded=on expanded=off expanded=auto fieldsep= fieldsep_zero=on fieldsep_zero=off footer=on footer=off format=aligned format=asciidoc format=csv format=html format=latex format=latex-longtable format=troff-ms format=unaligned format=wrapped linestyle=ascii linestyle=old-ascii linestyle=unicode null= numericlocale=on numericlocale=off pager=on pager=off pager=always pager_min_lines= recordsep= recordsep_zero=on recordsep_zero=off tableattr= title= tuples_only=on tuples_only=off unicode_border_linestyle=single unicode_border_linestyle=double unicode_column_linestyle=single unicode_column_linestyle=double unicode_header_linestyle=single unicode_header_linestyle=double xheader_width=full xheader_width=column xheader_width=page) ;;
    set) candidates+=(AUTOCOMMIT=on AUTOCOMMIT=off COMP_KEYWORD_CASE=lower COMP_KEYWORD_CASE=upper COMP_KEYWORD_CASE=preserve-lower COMP_KEYWORD_CASE=preserve-upper ECHO=all ECHO=errors ECHO=none ECHO=queries ECHO_HIDDEN=on ECHO_HIDDEN=off ECHO_HIDDEN=noexec FETCH_COUNT= HIDE_TABLEAM=on HIDE_TABLEAM=off HIDE_TOAST_COMPRESSION=on HIDE_TOAST_COMPRESSION=off HISTCONTROL=ignorespace HISTCONTROL=ignoredups HISTCONTROL=ignoreboth HISTCONTROL=none HISTFILE= HISTSIZE= IGNOREEOF= ON_ERROR_ROLLBACK=on ON_ERROR_ROLLBACK=off ON_ERROR_ROLLBACK=interactive ON_ERROR_STOP=on ON_ERROR_STOP=off PROMPT1= PROMPT2= PROMPT3= QUIET=on QUIET=off SHOW_ALL_RESULTS=on SHOW_ALL_RESULTS=off SHOW_CONTEXT=never SHOW_CONTEXT=errors SHOW_CONTEXT=always SINGLELINE=on SINGLELINE=off SINGLESTEP=on SINGLESTEP=off VERBOSITY=default VERBOSITY=verbose VERBOSITY=terse VERBOSITY=sqlstate) ;;
    variable) candidates+=(AUTOCOMMIT=on AUTOCOMMIT=off COMP_KEYWORD_CASE=lower COMP_KEYWORD_CASE=upper COMP_KEYWORD_CASE=preserve-lower COMP_KEYWORD_CASE=preserve-upper ECHO=all ECHO=errors ECHO=none ECHO=queries ECHO_HIDDEN=on ECHO_HIDDEN=off ECHO_HIDDEN=noexec FETCH_COUNT= HIDE_TABLEAM=on HIDE_TABLEAM=off HIDE_TOAST_COMPRESSION=on HIDE_TOAST_COMPRESSION=off HISTCONTROL=ignorespace HISTCONTROL=ignoredups HISTCONTROL=ignoreboth HISTCONTROL=none HISTFILE= HISTSIZE= IGNOREEOF= ON_ERROR_ROLLBACK=on ON_ERROR_ROLLBACK=off ON_ERROR_ROLLBACK=interactive ON_ERROR_STOP=on ON_ERROR_STOP=off PROMPT1= PROMPT2= PROMPT3= QUIET=on QUIET=off SHOW_ALL_RESULTS=on SHOW_ALL_RESULTS=off SHOW_CONTEXT=never SHOW_CONTEXT=errors SHOW_CONTEXT=always SINGLELINE=on SINGLELINE=off SINGLESTEP=on SINGLESTEP=off VERBOSITY=default VERBOSITY=verbose VERBOSITY=terse VERBOSITY=sqlstate) ;;
    help) candidates+=(options commands variables) ;;
    auth) candidates+=(auto azure-cli azd managed-identity workload-identity client-secret client-certificate azure-pipelines github-actions browser device-code env) ;;
    servers) candidates+=(text json) ;;
    cloud) candidates+=(AzureCloud AzureUSGovernment AzureChinaCloud AzureGermanCloud AzureBleuCloud) ;;
    print-env) candidates+=(sh fish powershell cmd nu) ;;
    whoami) candidates+=(text json) ;;
    doctor) candidates+=(text json) ;;
    completions) candidates+=(bash zsh fish powershell elvish) ;;
    esac
}

# Adds every option. If $1 is a single dash, adds the letters too.
_entra_psql_options() {
    candidates+=(--echo-all --no-align --command --dbname --echo-queries --echo-errors --echo-hidden --file --field-separator --field-separator-zero --host --html --list --log-file --no-readline --single-transaction --output --port --pset --quiet --record-separator --record-separator-zero --single-step --single-line --tuples-only --table-attr --username --set --variable --version --no-password --password --expanded --no-psqlrc --help --csv --group --auth --tenant --client-id --subscription --server --servers --entra --no-entra --cloud --resource --single-server --psql --exec --print-env --print-conninfo --print-token --dry-run --renew --url --proxy --drain --fresh --timeout --sign-out --whoami --doctor --entra-verbose --completions --no-descriptions)
    [[ $1 != - ]] || candidates+=('-a' '-A' '-c' '-d' '-e' '-b' '-E' '-f' '-F' '-z' '-h' '-H' '-l' '-L' '-n' '-1' '-o' '-p' '-P' '-q' '-R' '-0' '-s' '-S' '-t' '-T' '-U' '-v' '-V' '-w' '-W' '-x' '-X' '-?')
}
# END GENERATED

# Reads a bundle of letters: sets `kind` as above, and `attached` to what follows the letter that has a value.
_entra_psql_bundle() {
    local letters=$1
    kind='' attached=''
    while [[ -z $kind && -n $letters ]]; do
        _entra_psql_short "${letters:0:1}"
        letters=${letters:1}
    done
    [[ -z $kind ]] || attached=$letters
}

# Sets `lines` to those of the file $1. Of a huge file, they are the first few thousand.
_entra_psql_read() {
    local text='' options=$- IFS=$'\n'
    lines=()
    [[ -f $1 && -r $1 ]] || return
    read -r -d '' -n 200000 text <"$1"
    # Split at the ends of lines, and not expanded.
    set -f
    lines=($text)
    [[ $options == *f* ]] || set +f
}

# The same for the file $1 among those that entra-psql keeps.
_entra_psql_read_kept() {
    local parent
    lines=()
    for parent in "${XDG_RUNTIME_DIR-}" "${XDG_CACHE_HOME:-$HOME/.cache}" "$HOME/Library/Caches" "${LOCALAPPDATA-}"; do
        if [[ $parent == /* || $parent == ?:* ]] && [[ -f $parent/entra-psql/$1 ]]; then
            _entra_psql_read "$parent/entra-psql/$1"
            return
        fi
    done
}

# Adds the services or hosts in the service files.
_entra_psql_services() {
    local own=$HOME/.pg_service.conf file line escaped lines
    local service='^[[:space:]]*\[([^][:cntrl:]]+)\]' host='^[[:space:]]*host=([A-Za-z0-9_./-]+)[[:space:]]*$'
    if [[ -n ${APPDATA-} ]]; then own=$APPDATA/postgresql/.pg_service.conf; fi
    for file in "${PGSERVICEFILE:-$own}" "${PGSYSCONFDIR:-/etc/postgresql-common}/pg_service.conf"; do
        _entra_psql_read "$file"
        for line in "${lines[@]}"; do
            if [[ ${#line} -gt 1000 ]]; then
                continue
            elif [[ $1 == services && $line =~ $service ]]; then
                _entra_psql_escape conninfo "${BASH_REMATCH[1]}"
                candidates+=("service=$escaped")
            elif [[ $1 == hosts && $line =~ $host ]]; then
                candidates+=("${BASH_REMATCH[1]}")
            fi
        done
    done
}

# Adds what entra-psql keeps in the file $1: the part of each line before a tab ("first"), or after it ("last").
_entra_psql_kept() {
    local line lines
    _entra_psql_read_kept "$1"
    for line in "${lines[@]}"; do
        [[ ${#line} -le 1000 ]] || continue
        if [[ $2 == first ]]; then line=${line%%$'\t'*}; else line=${line##*$'\t'}; fi
        if [[ -n $line && $line != *[[:cntrl:]]* ]]; then candidates+=("$line"); fi
    done
}

# Adds the values of the kind $1.
_entra_psql_values() {
    case $1 in
    host)
        _entra_psql_services hosts
        _entra_psql_kept servers.txt first
        ;;
    database) _entra_psql_services services ;;
    server) _entra_psql_kept servers.txt last ;;
    group) _entra_psql_kept groups.txt last ;;
    *) _entra_psql_words "$1" ;;
    esac
}

# Sets `escaped` to the text $2 as it's written in a connection string, on a line, or after an open
# quote: $1 is "conninfo", "line" or the quote.
_entra_psql_escape() {
    local i c
    escaped=''
    for ((i = 0; i < ${#2}; i++)); do
        c=${2:i:1}
        case $1$c in
        conninfo[[:space:]\\\']) escaped+=\\$c ;;
        line[[:space:]\!\"\#\$\&\'\(\)\*\,\;\<\>\?\[\\\]\^\`\{\|\}\~]) escaped+=\\$c ;;
        \'\') escaped+="'\\''" ;;
        \"[\"\$\`\\]) escaped+=\\$c ;;
        # A backslash would not keep bash from expanding it there.
        \"!) escaped+='"\!"' ;;
        *) escaped+=$c ;;
        esac
    done
}

# Sets `words` to the arguments up to the cursor, without quotes, and `quote` to the quote that is
# still open. `kept` is the part of the last word that readline leaves alone. `is_closed` is set if a
# quote ends in that word, which readline can't complete.
_entra_psql_split() {
    local line=${COMP_LINE:0:COMP_POINT} i c part n=0
    words=('') quote='' kept='' is_closed=''
    for ((i = 0; i < ${#line}; i++)); do
        c=${line:i:1}
        case $quote$c in
        [[:blank:]])
            if [[ -n ${words[n]} || -n $is_closed ]]; then n=$((n + 1)); fi
            words[n]='' kept='' is_closed=''
            ;;
        \\?)
            quote=''
            words[n]+=$c
            ;;
        \"\\?)
            quote=\"
            if [[ $c != [\"\$\`\\] ]]; then words[n]+=\\; fi
            words[n]+=$c
            ;;
        \\ | \"\\) quote+=\\ ;;
        \' | \")
            quote=$c
            kept=${words[n]}
            ;;
        \'\' | \"\")
            quote=''
            is_closed=1
            ;;
        *)
            part=${words[n]}
            words[n]+=$c
            # readline takes these two as part of what follows.
            [[ $c == [@$] ]] || part+=$c
            if [[ -z $quote && $COMP_WORDBREAKS == *"$c"* ]]; then kept=$part; fi
            ;;
        esac
    done
    words=("${words[@]:1}")
}

_entra_psql() {
    local words quote kept is_closed kind='' attached='' ended='' operands=0 i word part
    COMPREPLY=()
    _entra_psql_split
    [[ ${#words[@]} -gt 0 && -z $is_closed && $quote != *\\ ]] || return
    local n=${#words[@]} current=${words[${#words[@]} - 1]}

    for ((i = 0; i < n - 1; i++)); do
        word=${words[i]}
        if [[ $kind == program ]]; then
            break
        elif [[ -n $kind ]]; then
            kind=''
        elif [[ -n $ended || $word != -?* ]]; then
            operands=$((operands + 1))
        elif [[ $word == -- ]]; then
            ended=1
        elif [[ $word == --*=* ]]; then
            :
        elif [[ $word == --* ]]; then
            _entra_psql_long "${word#--}"
        else
            _entra_psql_bundle "${word#-}"
            [[ -z $attached ]] || kind=''
        fi
    done

    # What precedes the value in the current word, and which kinds of value may follow.
    local prefix='' value=$current candidates=()
    if [[ -n $kind ]]; then
        :
    elif [[ -n $ended || $current != -* ]]; then
        [[ $operands -eq 0 ]] && kind=database
    elif [[ $current == --*=* ]]; then
        prefix=${current%%=*}=
        value=${current#*=}
        part=${prefix%=}
        _entra_psql_long "${part#--}"
        [[ -n $kind ]] || _entra_psql_optional "${part#--}"
    elif [[ $current == --* || $current == - ]]; then
        _entra_psql_options "$current"
    else
        _entra_psql_bundle "${current#-}"
        prefix=${current%"$attached"}
        value=$attached
        [[ -n $kind ]] || candidates=('')
    fi

    case $kind in
    file | program)
        if [[ $kind == program && $i -eq $((n - 1)) && $value != */* ]]; then
            while IFS= read -r word; do candidates+=("$word"); done < <(compgen -c -- "$value")
        elif [[ -z $prefix || $prefix == *= ]] && compopt -o default 2>/dev/null; then
            # readline completes files itself, with quotes.
            return
        else
            while IFS= read -r word; do candidates+=("$word"); done < <(compgen -f -- "$value")
        fi
        ;;
    *) _entra_psql_values "$kind" ;;
    esac

    local escaped
    for word in "${candidates[@]}"; do
        word=$prefix$word
        [[ $word == "$current"* ]] || continue
        # What readline leaves alone stays on the line.
        word=${word#"$kept"}
        if [[ $word == *[^[:alnum:]_./:=+-]* ]]; then
            _entra_psql_escape "${quote:-line}" "$word"
            word=$escaped
        fi
        # readline closes the quote, unless the word seems to have done so.
        if [[ -n $quote && $word == *"$quote" ]]; then word+=$quote; fi
        COMPREPLY+=("$word")
    done
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace 2>/dev/null; fi
}

complete -F _entra_psql entra-psql
