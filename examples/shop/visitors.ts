import { Agent, get } from 'node:http'

/**
 * Visitors of the shop: `node visitors.ts URL [RATE]` asks for the page RATE times a second (20) and says every five seconds what came of it, until it is ended.
 * The last line is all of it, as JSON.
 */
const [url, rate = '20'] = process.argv.slice(2)
if (url === undefined || !(Number(rate) > 0)) throw new Error('give the address of the shop, and perhaps how often it is asked in a second')

const EVERY_S = 5
const LIMIT_MS = 10_000
// An agent with a time limit heeds the one that the shop announces for idle connections.
const agent = new Agent({ keepAlive: true, maxSockets: 16, timeout: LIMIT_MS })
const all: Record<string, number> = {}
let since: Record<string, number> = {}
let open = 0
let isOver = false

function note(what: string): void {
  open--
  all[what] = (all[what] ?? 0) + 1
  since[what] = (since[what] ?? 0) + 1
  if (isOver && open === 0) finish()
}

function visit(address: string): void {
  open++
  let isNoted = false
  const once = (what: string): void => {
    if (!isNoted) note(what)
    isNoted = true
  }
  const asked = get(address, { agent, timeout: LIMIT_MS }, (answer) =>
    answer
      .on('end', () => once(String(answer.statusCode)))
      .on('error', () => once('broken'))
      .resume(),
  )
  asked.on('timeout', () => asked.destroy(new Error('late')))
  asked.on('error', (error: NodeJS.ErrnoException) => once(error.code ?? error.message))
}

const finish = (): void => void process.stdout.write(`${JSON.stringify(all)}\n`, () => process.exit(0))
const startMs = performance.now()
let sent = 0
const asking = setInterval(() => {
  for (const due = ((performance.now() - startMs) / 1000) * Number(rate); sent < due; sent++) visit(url)
}, 10)
const telling = setInterval(() => {
  const parts = Object.entries(since).map(([what, count]) => `${count} times ${what}`)
  console.log(parts.length === 0 ? 'no answer yet' : parts.join(', '))
  since = {}
}, EVERY_S * 1000)
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    clearInterval(asking)
    clearInterval(telling)
    isOver = true
    if (open === 0) finish()
  })
console.log(`${rate} visitors a second at ${url}`)
