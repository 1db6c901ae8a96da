import { chmodSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { type Socket, createServer } from 'node:net'
import { type Scope, messageOf } from '#base'
import type { Places } from '../haproxy/places.ts'
import { LONGEST_LOGIN_LINE, type LoginAnswer, type LoginQuestion, hex, lineOfAnswer, readQuestion } from '../login/question.ts'
import { LONGEST_TOKEN, type TokenVerdict } from './check-token.ts'

const IDLE_MS = 10_000
const LINE = /^([0-9a-f]{32}) ([A-Za-z0-9._-]+)\n$/

/** Both: undefined: it cannot be said now. */
export interface Judges {
  token(id: string, token: string): Promise<Exclude<TokenVerdict, { kind: 'unknown-key' }> | undefined>
  login(question: LoginQuestion): Promise<LoginAnswer | undefined>
}

/**
 * Says to the data plane what tokens are worth, and who has logged in: one line for each connection, answered with one. The path is of this process from then
 * on; whoever had it before is not asked any more. Ends with the scope.
 */
export async function serveTokens(
  scope: Scope,
  { folder, emptyFolder, tokens: path }: Pick<Places, 'folder' | 'emptyFolder' | 'tokens'>,
  judges: Judges,
): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  mkdirSync(emptyFolder, { recursive: true })
  // HAProxy has given up its rights before it asks. It may find what it knows the name of, and nobody else gets as far as that.
  chmodSync(emptyFolder, 0o711)
  const server = createServer((socket) => answer(scope, socket, judges))
  // A server that ends takes away what it was made at, which is not there any more under that name: so never what another one is reached at.
  const made = `${path}.${process.pid}`
  rmSync(made, { force: true })
  const listening = Promise.withResolvers<void>()
  server.once('error', listening.reject)
  server.listen(made, listening.resolve)
  await listening.promise
  server.on('error', (error) => scope.log.error('tokens are not looked at', { error: messageOf(error) }))
  chmodSync(made, 0o666)
  renameSync(made, path)
  scope.signal.addEventListener('abort', () => server.close(), { once: true })
}

function answer(scope: Scope, socket: Socket, judges: Judges): void {
  let text = ''
  socket.setEncoding('latin1')
  socket.setTimeout(IDLE_MS, () => socket.destroy())
  socket.on('error', () => socket.destroy())
  socket.on('data', (part: string) => {
    text += part
    if (!text.endsWith('\n')) {
      if (text.length > LONGEST_LOGIN_LINE || text.includes('\n')) socket.destroy()
      return
    }
    const asked = answerTo(text, judges)
    if (asked === undefined) return void socket.destroy()
    text = ''
    socket.pause()
    asked.then(
      (line) => socket.end(line),
      (error: unknown) => {
        scope.log.error('who asks could not be looked at', { error: messageOf(error) })
        socket.destroy()
      },
    )
  })
}

/** Undefined: it is no question. */
function answerTo(text: string, judges: Judges): Promise<string> | undefined {
  const [, id, token] = LINE.exec(text) ?? []
  if (id !== undefined && token !== undefined && token.length <= LONGEST_TOKEN) return judges.token(id, token).then(lineOf)
  const question = readQuestion(text)
  return question === undefined ? undefined : judges.login(question).then(lineOfAnswer)
}

/** Words of `script/token.lua`. Values of headers are hexadecimal; `-`: none. */
export function lineOf(verdict: Awaited<ReturnType<Judges['token']>>): string {
  switch (verdict?.kind) {
    case undefined:
      return 'w\n'
    case 'refused':
      return `r ${verdict.status} ${verdict.why}\n`
    case 'good':
      return `${['g', verdict.untilSeconds, ...verdict.headers.flatMap(({ header, value }) => [header, hex(value)])].join(' ')}\n`
  }
}
