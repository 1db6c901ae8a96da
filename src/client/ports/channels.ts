/** The channels of a remote command over a WebSocket: the first byte of each message. */
export const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const

/** A protocol of numbered channels over a WebSocket, by what its messages look like and what they can say. */
export interface ChannelProtocol {
  /** The channel as a digit and the rest in base64, in text messages; else the channel as a byte, in binary ones. */
  readonly base64: boolean
  /** Whether the error channel carries a Status; else a text. */
  readonly hasStatus: boolean
  /** Whether a channel can be closed on its own: the end of standard input. */
  readonly canClose: boolean
}

/** By the names that are negotiated; the empty one is what clients speak that name none. */
export const COMMAND_PROTOCOLS: Readonly<Record<string, ChannelProtocol>> = {
  '': { base64: false, hasStatus: false, canClose: false },
  'channel.k8s.io': { base64: false, hasStatus: false, canClose: false },
  'base64.channel.k8s.io': { base64: true, hasStatus: false, canClose: false },
  'v4.channel.k8s.io': { base64: false, hasStatus: true, canClose: false },
  'v4.base64.channel.k8s.io': { base64: true, hasStatus: true, canClose: false },
  'v5.channel.k8s.io': { base64: false, hasStatus: true, canClose: true },
}

/** One message. Text ones for base64. */
export function encodeChannel(protocol: Pick<ChannelProtocol, 'base64'>, channel: number, data: Uint8Array): Uint8Array | string {
  if (protocol.base64) return `${channel}${Buffer.from(data.buffer, data.byteOffset, data.length).toString('base64')}`
  const message = Buffer.allocUnsafe(data.length + 1)
  message[0] = channel
  message.set(data, 1)
  return message
}

/** Undefined for a message that says nothing. */
export function decodeChannel(
  protocol: Pick<ChannelProtocol, 'base64'>,
  message: Buffer,
): { readonly channel: number; readonly data: Buffer } | undefined {
  const first = message[0]
  if (first === undefined) return undefined
  if (!protocol.base64) return { channel: first, data: message.subarray(1) }
  return { channel: first - 0x30, data: Buffer.from(message.toString('latin1', 1), 'base64') }
}
