import type { IncomingMessage } from 'node:http'
import { type Duplex, PassThrough, Writable } from 'node:stream'
import { type MessageSocket, acceptWebSocket, listHeader } from '#base'
import { StatusError } from '#api'
import {
  CHANNEL,
  COMMAND_PROTOCOLS,
  type ChannelProtocol,
  type CommandStreams,
  decodeChannel,
  encodeChannel,
  statusOf,
  textOf,
} from '#client'
import { type CallerStreams, sizeOf } from './caller-streams.ts'

/** The first of the client's protocols that is known here. Throws `StatusError` 403. */
export function webSocketProtocol(request: IncomingMessage, known: readonly string[]): string | undefined {
  const offered = listHeader(request.headers['sec-websocket-protocol'])
  if (offered.length === 0) return undefined
  const found = offered.find((one) => known.includes(one))
  if (found !== undefined) return found
  throw new StatusError({
    code: 403,
    reason: 'Forbidden',
    message: `unable to negotiate protocol: client supports [${offered.join(' ')}], server supports [${known.join(' ')}]`,
  })
}

/** Agrees to a WebSocket with numbered channels. */
export async function webSocketCaller(
  request: IncomingMessage,
  socket: Duplex,
  head: Uint8Array,
  wants: CommandStreams,
): Promise<CallerStreams> {
  const name = webSocketProtocol(request, Object.keys(COMMAND_PROTOCOLS))
  const protocol = COMMAND_PROTOCOLS[name ?? '']
  if (protocol === undefined) throw new Error(`no channels are known for ${name}`)
  const messages = await acceptWebSocket(request, socket, head, name)
  const stdin = wants.stdin ? new PassThrough() : undefined
  const stdout = wants.stdout ? channelWriter(messages, protocol, CHANNEL.stdout) : undefined
  const stderr = wants.stderr && !wants.tty ? channelWriter(messages, protocol, CHANNEL.stderr) : undefined
  let resized: (columns: number, rows: number) => void = () => undefined
  let lastSize: { readonly columns: number; readonly rows: number } | undefined
  void receive(messages, protocol, stdin, (text) => {
    const size = sizeOf(text)
    if (size === undefined) return
    lastSize = size
    resized(size.columns, size.rows)
  })
  // Tells the client that the connection stands, on the lowest channel that it reads.
  await messages.send(
    encodeChannel(protocol, stdout !== undefined ? CHANNEL.stdout : stderr !== undefined ? CHANNEL.stderr : CHANNEL.error, Buffer.alloc(0)),
  )
  return {
    stdin,
    stdout,
    stderr,
    onResize(listen) {
      resized = listen
      if (lastSize !== undefined) listen(lastSize.columns, lastSize.rows)
    },
    closed: messages.closed,
    async finish(result) {
      const said = protocol.hasStatus ? JSON.stringify(statusOf(result)) : textOf(result)
      if (said !== '') await messages.send(encodeChannel(protocol, CHANNEL.error, Buffer.from(said)))
      messages.close()
      await messages.closed
    },
  }
}

async function receive(
  messages: MessageSocket,
  protocol: ChannelProtocol,
  stdin: PassThrough | undefined,
  resize: (text: string) => void,
): Promise<void> {
  for await (const { data: message } of messages.messages()) {
    const found = decodeChannel(protocol, message)
    if (found === undefined) continue
    const { channel, data } = found
    if (channel === CHANNEL.resize) resize(data.toString('utf8'))
    else if (channel === CHANNEL.close && protocol.canClose && data[0] === CHANNEL.stdin) stdin?.end()
    else if (channel === CHANNEL.stdin && stdin !== undefined && !stdin.writableEnded && data.length > 0 && !stdin.write(data))
      await new Promise<void>((resolve) => stdin.once('drain', resolve).once('close', resolve))
  }
  stdin?.end()
}

export function channelWriter(messages: MessageSocket, protocol: Pick<ChannelProtocol, 'base64'>, channel: number): Writable {
  return new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      const sent = messages.send(encodeChannel(protocol, channel, chunk))
      if (sent === undefined) done()
      else void sent.then(() => done())
    },
  })
}
