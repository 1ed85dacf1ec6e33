// postgres.js, a pool that reads the PG* variables.

const { once } = require('node:events')
const postgres = require('postgres')

const url = process.env.DATABASE_URL

function connect(more) {
  const settings = { max: 1, ...more }
  return url === undefined ? postgres(settings) : postgres(url, settings)
}

async function who(sql) {
  return (await sql`select current_user || '|' || current_database() as who`)[0].who
}

async function main() {
  const sql = connect({})
  console.log(`who: ${await who(sql)}`)
  const [row] = await sql`select ${41}::int + 1 as a, ${'é'}::text as b`
  console.log(`parameters: ${row.a} ${row.b}`)

  const sleeping = sql`select pg_sleep(20)`.execute()
  setTimeout(() => sleeping.cancel(), 500)
  await sleeping.catch((error) => console.log(`cancelled: ${error.code}`))

  await sql`select * from missing`.catch((error) => console.log(`error: ${error.code}`))
  const other = connect({ user: process.env.OTHER_ROLE })
  await other`select 1`.catch((error) => console.log(`refused: ${error.message}`))
  console.log('ready')
  await once(process.stdin, 'data')
  console.log(`still: ${await who(sql)}`)
  console.log(`again: ${await who(connect({}))}`)
  process.exit()
}

main()
