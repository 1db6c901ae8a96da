import { type Socket, connect } from 'node:net'
import { type Scope, SampanError } from '#base'
import type { Command } from './plan.ts'

/** HAProxy did not do what it was told, or does not answer. */
export class DataPlaneRefused extends SampanError {
  readonly code = 'DATA_PLANE_REFUSED'
}

const ANSWERS_WITHIN_MS = 5000
const LONGEST_ANSWER = 1 << 20

/** One command of the runtime API, over a connection of its own: its answer ends with it. */
export function ask(scope: Scope, socket: string, text: string): Promise<string> {
  const within = scope.child({ timeoutMs: ANSWERS_WITHIN_MS })
  return new Promise<string>((resolve, reject) => {
    const connection = connect(socket)
    let answer = ''
    const stop = (): void => void connection.destroy(new DataPlaneRefused(`HAProxy does not answer on ${socket}`))
    within.signal.addEventListener('abort', stop, { once: true })
    connection.setEncoding('utf8')
    connection.on('data', (chunk: string) => {
      answer += chunk
      if (answer.length > LONGEST_ANSWER) connection.destroy(new DataPlaneRefused('an answer of HAProxy is too long'))
    })
    connection.on('error', reject)
    connection.on('end', () => resolve(answer))
    connection.on('close', (hadError) => {
      if (hadError || !connection.readableEnded) reject(new DataPlaneRefused(`HAProxy has broken the connection to ${socket} off`))
    })
    connection.end(text)
  }).finally(() => within.cancel())
}

/** Between an answer and the next one, in the mode in which a connection takes many commands. */
const PROMPT = '\n> '

/**
 * One connection that takes command after command of one line, and stays open between them. Calls must not overlap. After a rejection the next call opens a new
 * connection.
 */
export class Conversation {
  readonly #socket: string
  #connection: Socket | undefined

  constructor(socket: string) {
    this.#socket = socket
  }

  close(): void {
    this.#connection?.destroy()
    this.#connection = undefined
  }

  /** Resolves with an answer for each line. */
  async ask(scope: Scope, lines: readonly string[]): Promise<readonly string[]> {
    if (lines.length === 0) return []
    const isNew = this.#connection === undefined
    const connection = this.#connection ?? this.#open()
    const within = scope.child({ timeoutMs: ANSWERS_WITHIN_MS + lines.length })
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>()
    const answers: string[] = []
    // The first answer of a new connection is to the word that opens the mode.
    const wanted = lines.length + (isNew ? 1 : 0)
    let text = ''
    const onData = (chunk: string): void => {
      text += chunk
      if (text.length > LONGEST_ANSWER) return reject(new DataPlaneRefused('an answer of HAProxy is too long'))
      let start = 0
      for (let end = text.indexOf(PROMPT); end !== -1; end = text.indexOf(PROMPT, start)) {
        answers.push(text.slice(start, end))
        start = end + PROMPT.length
      }
      text = text.slice(start)
      if (answers.length >= wanted) resolve(answers.slice(-lines.length))
    }
    const onClose = (): void => reject(new DataPlaneRefused(`HAProxy has broken the connection to ${this.#socket} off`))
    const onAbort = (): void => reject(new DataPlaneRefused(`HAProxy does not answer on ${this.#socket}`))
    within.signal.addEventListener('abort', onAbort, { once: true })
    connection.on('data', onData).on('error', reject).on('close', onClose)
    connection.write(`${isNew ? 'prompt\n' : ''}${lines.join('\n')}\n`)
    try {
      return await promise
    } catch (error) {
      this.close()
      throw error
    } finally {
      within.signal.removeEventListener('abort', onAbort)
      within.cancel()
      connection.off('data', onData).off('error', reject).off('close', onClose)
    }
  }

  /** What breaks while nobody asks is opened again by the next one who does. */
  #open(): Socket {
    const connection = connect(this.#socket).setEncoding('utf8')
    const forget = (): void => {
      if (this.#connection === connection) this.#connection = undefined
    }
    this.#connection = connection.on('error', forget).on('close', forget)
    return connection
  }
}

/** Carries the commands out in this order. Throws `DataPlaneRefused` at the first whose answer is not the one of success; the ones after it may be done or not. */
export async function tellAll(scope: Scope, conversation: Conversation, socket: string, commands: readonly Command[]): Promise<void> {
  for (const command of commands) checkCommand(command)
  let plain: Command[] = []
  const flush = async (): Promise<void> => {
    const answers = await conversation.ask(
      scope,
      plain.map(({ line }) => line),
    )
    for (const [at, command] of plain.entries()) checkAnswer(command, answers[at] ?? '')
    plain = []
  }
  for (const command of commands) {
    if (command.payload === undefined) {
      plain.push(command)
      continue
    }
    await flush()
    checkAnswer(command, await ask(scope, socket, `${command.line} <<\n${command.payload.trimEnd()}\n\n`))
  }
  await flush()
}

/** Everything in it has passed the grammar: this is the last wall, not the first. */
function checkCommand({ line, payload }: Command): void {
  if (/[\n;\\]/.test(line) || (payload !== undefined && /\n\n/.test(payload)))
    throw new DataPlaneRefused('a command with more than one line')
}

function checkAnswer({ line, done }: Command, answer: string): void {
  if (!done.test(answer))
    throw new DataPlaneRefused(`HAProxy answered ${JSON.stringify(answer.trim().slice(0, 200))} to: ${line.split(' ', 3).join(' ')}`)
}
