# pgcli, which uses libpq's variables. What it prints is brought into the form of the others.

printf '[main]\nuse_local_timezone = False\n' >"$HOME/pgclirc"
who="select current_user || '|' || current_database()"

run() { # PGCLI SQL [OPTION]
    "$1" --pgclirc "$HOME/pgclirc" --less-chatty --command "$2" $3 $DATABASE_URL 2>&1
}

echo "who: $(run "$1" "$who" --tuples-only)"
echo "error: $(run "$1" 'select * from missing' | grep -o 'relation "missing" does not exist')"
echo "refused: $(
    PGUSER=$OTHER_ROLE DATABASE_URL=$(echo "$DATABASE_URL" | sed "s|//[^:@]*|//$(echo "$OTHER_ROLE" | sed 's/ /%20/g')|")
    run "$1" "$who" | sed -n 's/.*FATAL:  //p'
)"
echo ready
read -r _
echo "again: $(run "$1" "$who" --tuples-only)"
