import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'

/**
 * A host of the test's network, driven over IPC by `network.ts`: answers on its port with its own name and whom it saw, over TCP and UDP, and asks others.
 */
export type Order =
  | { readonly id: number; readonly op: 'serve'; readonly name: string; readonly port: number }
  | {
      readonly id: number
      readonly op: 'tcp' | 'udp'
      readonly host: string
      readonly port: number
      readonly times: number
      readonly localPort: number
      readonly withinMs: number
    }

const plain = (address: string): string => address.replace('::ffff:', '')

/** In both families. */
function serve(name: string, port: number): Promise<void> {
  const udp = createSocket('udp6').on('message', (_, peer) => udp.send(`${name} ${plain(peer.address)}`, peer.port, peer.address))
  const tcp = createServer((socket) => socket.on('error', () => socket.destroy()).end(`${name} ${plain(socket.remoteAddress ?? '')}`))
  return new Promise((ready) => udp.bind(port, () => tcp.listen(port, '::', () => ready())))
}

function askTcp(host: string, port: number, withinMs: number): Promise<string> {
  return new Promise((answer) => {
    const socket = connect(port, host)
    let said = ''
    const finish = (text: string): void => {
      clearTimeout(timer)
      socket.destroy()
      answer(text)
    }
    const timer = setTimeout(finish, withinMs, 'timeout')
    socket.on('data', (chunk) => (said += String(chunk)))
    socket.on('end', () => finish(said))
    socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message))
  })
}

function askUdp(host: string, port: number, localPort: number, withinMs: number): Promise<string> {
  return new Promise((answer) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    const finish = (text: string): void => {
      clearTimeout(timer)
      socket.close(() => answer(text))
    }
    const timer = setTimeout(finish, withinMs, 'timeout')
    socket.on('message', (raw) => finish(String(raw)))
    socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message))
    socket.bind(localPort, () => socket.connect(port, host, () => socket.send('?')))
  })
}

async function carryOut(order: Order): Promise<readonly string[]> {
  if (order.op === 'serve') {
    await serve(order.name, order.port)
    return []
  }
  const { op, host, port, times, localPort, withinMs } = order
  const answers: string[] = []
  for (let i = 0; i < times; i++)
    answers.push(op === 'tcp' ? await askTcp(host, port, withinMs) : await askUdp(host, port, localPort, withinMs))
  return answers
}

process.on('message', (order: Order) => {
  void carryOut(order).then((answers) => process.send?.({ id: order.id, answers }))
})
process.on('disconnect', () => process.exit(0))
