import { Agent, get } from 'node:http'

/**
 * Asks `URL` `RATE` times a second until SIGTERM, with a connection for each request (`close`) or kept ones (`keep`). Requests are sent on time
 * whether or not earlier ones were answered, up to a bound; what is past the bound is `held` and never sent: a machine with too little time is no failure, and who does not answer
 * within the limit is. At the end one line of JSON.
 * It says `asking` and begins to count with the first answer: a node hears of a new Service a little later than its client does.
 */
const [url = '', rate = '100', kind = 'close'] = process.argv.slice(2)
const LIMIT_MS = 5000
const MOST_AT_ONCE = 256
const KEPT = 16

// Only an agent with a time limit heeds the one that servers announce for idle connections.
const agent = new Agent(kind === 'keep' ? { keepAlive: true, maxSockets: KEPT, timeout: LIMIT_MS } : { keepAlive: false })
const result = { sent: 0, answered: 0, held: 0, slowestMs: 0, failures: {} as Record<string, number> }
let open = 0
let isStopping = false

function fail(why: string): void {
  result.failures[why] = (result.failures[why] ?? 0) + 1
}

function ask(): void {
  if (open >= MOST_AT_ONCE) return void result.held++
  result.sent++
  open++
  const start = performance.now()
  const done = (why: string | undefined): void => {
    open--
    if (why === undefined) result.answered++
    else fail(why)
    result.slowestMs = Math.max(result.slowestMs, Math.round(performance.now() - start))
    if (isStopping && open === 0) finish()
  }
  let isDone = false
  const once = (why?: string): void => {
    if (isDone) return
    isDone = true
    done(why)
  }
  const request = get(url, { agent, timeout: LIMIT_MS }, (response) => {
    response
      .on('end', () => once(response.statusCode === 200 && response.complete ? undefined : `status ${response.statusCode}`))
      .on('error', (error: NodeJS.ErrnoException) => once(`in the answer: ${error.code ?? error.message}`))
      .resume()
  })
  request.on('timeout', () => request.destroy(new Error('no answer in time')))
  request.on('error', (error: NodeJS.ErrnoException) =>
    once(`${request.reusedSocket ? 'on a kept connection: ' : ''}${error.code ?? error.message}`),
  )
}

function finish(): void {
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0))
}

/** Resolves when somebody answers, whatever it is. */
async function answered(): Promise<void> {
  for (;;) {
    const isThere = await new Promise<boolean>((resolve) => {
      const request = get(url, { agent: false, timeout: LIMIT_MS }, (response) => {
        response.resume().on('close', () => resolve(true))
      })
      request
        .on('timeout', () => request.destroy())
        .on('error', () => resolve(false))
        .on('close', () => resolve(false))
    })
    if (isThere) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

await answered()
const startMs = performance.now()
const timer = setInterval(() => {
  const due = ((performance.now() - startMs) / 1000) * Number(rate)
  while (result.sent + result.held < due) ask()
}, 5)
process.once('SIGTERM', () => {
  clearInterval(timer)
  isStopping = true
  if (open === 0) finish()
})
console.log('asking')
