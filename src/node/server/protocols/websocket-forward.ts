import { PassThrough } from 'node:stream'
import type { MessageSocket } from '#base'
import { statusError } from '#api'
import { type PortForwarder, decodeChannel, encodeChannel } from '#client'
import { forward, portOf } from './forward.ts'
import { channelWriter } from './websocket-caller.ts'

/** The protocols in which each port has two channels: data, and what went wrong. */
export const FORWARD_PROTOCOLS: Readonly<Record<string, { readonly base64: boolean }>> = {
  '': { base64: false },
  'v4.channel.k8s.io': { base64: false },
  'v4.base64.channel.k8s.io': { base64: true },
}

const MOST_PORTS = 64

/** The ports of the query, which are fixed for the connection. Throws `StatusError` 400. */
export function portsOf(query: URLSearchParams): readonly number[] {
  const texts = [...query.getAll('port'), ...query.getAll('ports')].flatMap((text) => text.split(','))
  const ports = texts.map((text) => {
    const port = portOf(text)
    if (port === undefined) throw statusError.badRequest(`invalid port ${JSON.stringify(text)}`)
    return port
  })
  if (ports.length === 0) throw statusError.badRequest('query parameter "port" is required')
  if (ports.length > MOST_PORTS) throw statusError.badRequest(`more than ${MOST_PORTS} ports`)
  return ports
}

/** Serves one connection to each of the ports over numbered channels: 2i is data, 2i + 1 the error; the first message of each is its port. */
export async function serveChannelForward(messages: MessageSocket, ports: readonly number[], forwarder: PortForwarder): Promise<void> {
  const protocol = FORWARD_PROTOCOLS[messages.protocol] ?? { base64: false }
  const inputs: PassThrough[] = []
  for (const [index, port] of ports.entries()) {
    const input = new PassThrough()
    inputs.push(input)
    const output = channelWriter(messages, protocol, 2 * index)
    const error = channelWriter(messages, protocol, 2 * index + 1)
    const said = Buffer.alloc(2)
    said.writeUInt16LE(port)
    for (const channel of [2 * index, 2 * index + 1]) await messages.send(encodeChannel(protocol, channel, said))
    void forward(forwarder, { port, input, output, error })
  }
  const done = (async () => {
    for await (const { data: message } of messages.messages()) {
      const found = decodeChannel(protocol, message)
      const input = found && found.channel % 2 === 0 ? inputs[found.channel / 2] : undefined
      if (input === undefined || found === undefined || input.destroyed || found.data.length === 0) continue
      if (!input.write(found.data)) await new Promise<void>((resolve) => input.once('drain', resolve).once('close', resolve))
    }
  })()
  await Promise.race([done, forwarder.closed])
  for (const input of inputs) input.end()
  forwarder.close()
  messages.close()
}
