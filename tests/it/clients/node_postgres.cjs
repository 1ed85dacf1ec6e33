// node-postgres, which reads the PG* variables.

// It warns of what its own cancel uses.
process.noDeprecation = true

const { once } = require('node:events')
const pg = require('pg')

const url = process.env.DATABASE_URL
const settings = url === undefined ? {} : { connectionString: url }

async function who(client) {
  const sql = "select current_user || '|' || current_database() as who"
  return (await client.query(sql)).rows[0].who
}

async function main() {
  const client = new pg.Client(settings)
  await client.connect()
  console.log(`who: ${await who(client)}`)
  const row = (await client.query('select $1::int + 1 as a, $2::text as b', [41, 'é'])).rows[0]
  console.log(`parameters: ${row.a} ${row.b}`)

  const sleeping = new pg.Query('select pg_sleep(20)')
  const ended = new Promise((resolve) => sleeping.on('error', resolve).on('end', resolve))
  client.query(sleeping)
  await new Promise((resolve) => setTimeout(resolve, 500))
  new pg.Client(settings).cancel(client, sleeping)
  console.log(`cancelled: ${(await ended)?.code}`)

  await client.query('select * from missing').catch((error) => console.log(`error: ${error.code}`))
  const other = new pg.Client(settings)
  // A user of the connection string would win over one in the settings.
  other.user = other.connectionParameters.user = process.env.OTHER_ROLE
  await other.connect().catch((error) => console.log(`refused: ${error.message}`))
  console.log('ready')
  await once(process.stdin, 'data')
  console.log(`still: ${await who(client)}`)
  console.log(`again: ${await who(new pg.Pool(settings))}`)
  process.exit()
}

main()
