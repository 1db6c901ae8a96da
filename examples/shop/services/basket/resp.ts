import { type Socket, connect } from 'node:net'

/** A reply of Redis: text, a number, nothing, or a list of replies. An error that Redis reports is an Error. */
export type Reply = string | number | null | Error | readonly Reply[]

export interface Redis {
  /** Sends a command; those sent meanwhile go out without waiting for its answer. Rejects when Redis refuses it or the connection ends. */
  send(...words: readonly string[]): Promise<Reply>
  close(): void
}

export interface RedisOptions {
  readonly host: string
  readonly port: number
  readonly password?: string
}

interface Waiting {
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: Error) => void
}

/** Connects when the first command is sent, and again with the next one after a connection has ended. */
export function redisClient(options: RedisOptions): Redis {
  let open: { readonly socket: Socket; readonly waiting: Waiting[] } | undefined
  const dial = (): { readonly socket: Socket; readonly waiting: Waiting[] } => {
    const waiting: Waiting[] = []
    const socket = connect(options.port, options.host)
    const connection = { socket, waiting }
    let rest: Buffer = Buffer.alloc(0)
    const fail = (error: Error): void => {
      if (open === connection) open = undefined
      socket.destroy()
      for (const { reject } of waiting.splice(0)) reject(error)
    }
    socket.setNoDelay(true)
    socket.setTimeout(2000, () => (waiting.length > 0 ? fail(new Error('Redis does not answer')) : undefined))
    socket.on('error', fail)
    socket.on('close', () => fail(new Error('the connection to Redis has ended')))
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      try {
        for (let read = readReply(rest); read !== undefined; read = readReply(rest)) {
          rest = rest.subarray(read.end)
          const next = waiting.shift()
          if (read.reply instanceof Error) next?.reject(read.reply)
          else next?.resolve(read.reply)
        }
      } catch (error) {
        fail(error as Error)
      }
    })
    open = connection
    // Refused credentials show in every command that follows.
    if (options.password !== undefined) transmit(connection, ['AUTH', options.password]).catch(() => undefined)
    return connection
  }
  const transmit = (
    { socket, waiting }: { readonly socket: Socket; readonly waiting: Waiting[] },
    words: readonly string[],
  ): Promise<Reply> =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject })
      socket.write(writeCommand(words))
    })
  return { send: (...words) => transmit(open ?? dial(), words), close: () => open?.socket.destroy() }
}

export function writeCommand(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`
}

/** The first reply in `bytes` and where it ends; undefined while it is not complete. Throws on what is not RESP. */
export function readReply(bytes: Buffer, start = 0): { readonly reply: Reply; readonly end: number } | undefined {
  const lineEnd = bytes.indexOf('\r\n', start)
  if (lineEnd < 0) return undefined
  const line = bytes.toString('utf8', start + 1, lineEnd)
  const end = lineEnd + 2
  switch (String.fromCharCode(bytes[start] ?? 0)) {
    case '+':
      return { reply: line, end }
    case '-':
      return { reply: new Error(line), end }
    case ':':
      return { reply: Number(line), end }
    case '$': {
      const length = Number(line)
      if (length < 0) return { reply: null, end }
      return bytes.length < end + length + 2 ? undefined : { reply: bytes.toString('utf8', end, end + length), end: end + length + 2 }
    }
    case '*': {
      const items: Reply[] = []
      let at = end
      for (let index = 0; index < Number(line); index++) {
        const item = readReply(bytes, at)
        if (item === undefined) return undefined
        items.push(item.reply)
        at = item.end
      }
      return { reply: Number(line) < 0 ? null : items, end: at }
    }
    default:
      throw new Error('this is not the protocol of Redis')
  }
}
