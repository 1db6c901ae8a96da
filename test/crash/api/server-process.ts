import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { Agent, type RequestOptions, request } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { eventually } from '#testing/basics'

const SAMPAN = join(import.meta.dirname, '../../../src/main/sampan.ts')
const TOKEN = 'crash-test'
/** A machine that does other things too must not look like a server that does not come back. */
const BACK_WITHIN_MS = 120_000
const LOOK_AGAIN_MS = 40

export interface Answer {
  readonly status: number
  readonly body: string
}

/** `sampan apiserver` as a process that is killed and comes back on the same port and files. */
export class ServerProcess {
  readonly port: number
  readonly #folder: string
  readonly #flags: readonly string[]
  #child: ChildProcess | undefined

  constructor(folder: string, port: number, flags: readonly string[]) {
    this.port = port
    this.#folder = folder
    this.#flags = flags
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'tokens.csv'), `${TOKEN},admin,admin,"system:masters"\n`)
  }

  /** Killed, and not started again yet. */
  get isGone(): boolean {
    return this.#child === undefined
  }

  /** Resolves when it says that it is ready. */
  async start(): Promise<void> {
    const log = openSync(join(this.#folder, 'server.log'), 'a')
    const child = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        SAMPAN,
        'apiserver',
        '--state-dir',
        join(this.#folder, 'state'),
        '--secure-port',
        String(this.port),
        '--bind-address',
        '127.0.0.1',
        '--token-auth-file',
        join(this.#folder, 'tokens.csv'),
        ...this.#flags,
      ],
      { stdio: ['ignore', log, log] },
    )
    closeSync(log)
    this.#child = child
    const deadline = performance.now() + BACK_WITHIN_MS
    for (;;) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the server ended by itself:\n${this.lastLines()}`)
      const answer = await this.call('GET', '/readyz').catch(() => undefined)
      if (answer?.status === 200) return
      if (performance.now() > deadline) throw new Error(`the server does not come back:\n${this.lastLines()}`)
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
    }
  }

  /** Ends it as a power cut would. Resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  lastLines(): string {
    return readFileSync(join(this.#folder, 'server.log'), 'utf8').split('\n').slice(-20).join('\n')
  }

  /** Of one request over a connection of `agent`, or one of its own. */
  async call(method: string, path: string, body?: unknown, agent?: Agent): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const sent = request(this.options(method, path, agent), (response) => {
      text(response).then((read) => resolve({ status: response.statusCode ?? 0, body: read }), reject)
    })
    sent.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body))
    return promise
  }

  /** As `call`, again until it is answered with success: for what is asked of a server that is up. */
  must(method: string, path: string, body?: unknown): Promise<Answer> {
    return eventually(`${method} ${path}`, async () => {
      const answer = await this.call(method, path, body)
      if (answer.status >= 300) throw new Error(`${method} ${path} is answered with ${answer.status}: ${answer.body}`)
      return answer
    })
  }

  options(method: string, path: string, agent?: Agent): RequestOptions {
    return {
      host: '127.0.0.1',
      port: this.port,
      method,
      path,
      // Who it is was settled when this process chose the port; the certificate is not what is tested.
      rejectUnauthorized: false,
      agent: agent ?? false,
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    }
  }
}

export const oneConnection = (): Agent => new Agent({ keepAlive: true, maxSockets: 1 })
