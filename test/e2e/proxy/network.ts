import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { join } from 'node:path'
import { kernelSetting } from '#testing'
import type { Order } from './peer.ts'

/** Much longer than an answer takes, for a machine that has other things to do. */
const ANSWER_WITHIN_MS = 5000

/** A machine with pods behind it and a client in front of it, of network namespaces: nothing of the machine that runs the test is touched. */
export interface Network {
  /** Path of the namespace that stands for the node. */
  readonly netns: string
  readonly node: Host
  readonly pods: readonly Host[]
  readonly outside: Host
  close(): void
}

export interface Host {
  readonly name: string
  readonly address: string
  /** Of IPv6. */
  readonly address6: string
  serve(port: number): Promise<void>
  /** Answers are `NAME CLIENT-ADDRESS`, or the error's code, or `timeout`. */
  tcp(host: string, port: number, times?: number, withinMs?: number): Promise<readonly string[]>
  /** From one local port: the kernel sees one connection. */
  udp(host: string, port: number, localPort: number, withinMs?: number): Promise<string>
}

/** Why it cannot be made here; undefined where it can. */
export function noNetwork(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root for network namespaces'
  for (const [tool, ...args] of [
    ['nft', '--version'],
    ['conntrack', '--version'],
    ['ip', '-V'],
    ['nsenter', '--version'],
  ] as const) {
    try {
      execFileSync(tool, args, { stdio: 'ignore' })
    } catch {
      return `needs ${tool}`
    }
  }
  return undefined
}

export const OUTSIDE_ADDRESS = '192.168.77.2'
export const NODE_ADDRESS = '192.168.77.1'
/** Of IPv6: the same number of the same network. */
const six = (address: string): string => address.replace(/^192\.168\.77\./, 'fd00:77::').replace(/^10\.244\.(\d+)\./, 'fd00:244:$1::')
export const NODE_ADDRESS6 = six(NODE_ADDRESS)
const ip = (...args: readonly string[]): void => void execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] })

export async function makeNetwork(podCount: number): Promise<Network> {
  const prefix = `sampan-t${process.pid}`
  const nodeName = `${prefix}-node`
  const names: string[] = []
  const hosts: StartedHost[] = []
  const close = (): void => {
    for (const host of hosts) host.stop()
    for (const name of names) ip('netns', 'delete', name)
  }
  try {
    const addNamespace = (name: string): void => {
      ip('netns', 'add', name)
      names.push(name)
      ip('-n', name, 'link', 'set', 'lo', 'up')
      // Nobody asks for a second whether a new address is somebody else's.
      kernelSetting(name, 'net/ipv6/conf/default/accept_dad', 0)
    }
    addNamespace(nodeName)
    kernelSetting(nodeName, 'net/ipv4/ip_forward', 1)
    kernelSetting(nodeName, 'net/ipv6/conf/all/forwarding', 1)
    const attach = async (label: string, address: string, gateway: string): Promise<Host> => {
      const name = `${prefix}-${label}`
      addNamespace(name)
      ip('-n', nodeName, 'link', 'add', label, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
      ip('-n', nodeName, 'address', 'add', `${gateway}/24`, 'dev', label)
      ip('-n', nodeName, 'link', 'set', label, 'up')
      ip('-n', name, 'address', 'add', `${address}/24`, 'dev', 'eth0')
      ip('-n', name, 'link', 'set', 'eth0', 'up')
      ip('-n', name, 'route', 'add', 'default', 'via', gateway)
      ip('-n', nodeName, 'address', 'add', `${six(gateway)}/64`, 'dev', label, 'nodad')
      ip('-n', name, 'address', 'add', `${six(address)}/64`, 'dev', 'eth0', 'nodad')
      ip('-n', name, 'route', 'add', 'default', 'via', six(gateway))
      return start(name, label, address)
    }
    const start = (netns: string, label: string, address: string): Host => {
      const host = new StartedHost(`/run/netns/${netns}`, label, address)
      hosts.push(host)
      return host
    }
    const outside = await attach('outside', OUTSIDE_ADDRESS, NODE_ADDRESS)
    ip('-n', nodeName, 'route', 'add', 'default', 'via', OUTSIDE_ADDRESS)
    ip('-n', nodeName, 'route', 'add', 'default', 'via', six(OUTSIDE_ADDRESS))
    const pods: Host[] = []
    for (let i = 1; i <= podCount; i++) pods.push(await attach(`pod${i}`, `10.244.${i}.2`, `10.244.${i}.1`))
    return { netns: `/run/netns/${nodeName}`, node: start(nodeName, 'node', NODE_ADDRESS), pods, outside, close }
  } catch (error) {
    close()
    throw error
  }
}

class StartedHost implements Host {
  readonly name: string
  readonly address: string
  readonly address6: string
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, PromiseWithResolvers<readonly string[]>>()
  #last = 0

  constructor(netns: string, name: string, address: string) {
    this.name = name
    this.address = address
    this.address6 = six(address)
    this.#child = spawn('nsenter', [`--net=${netns}`, process.execPath, join(import.meta.dirname, 'peer.ts')], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#child.on('message', ({ id, answers }: { id: number; answers: readonly string[] }) => {
      this.#waiting.get(id)?.resolve(answers)
      this.#waiting.delete(id)
    })
    this.#child.on('exit', () => this.#waiting.forEach(({ reject }) => reject(new Error(`${name} has ended`))))
  }

  async serve(port: number): Promise<void> {
    await this.#send({ id: ++this.#last, op: 'serve', name: this.name, port })
  }

  tcp(host: string, port: number, times = 1, withinMs = ANSWER_WITHIN_MS): Promise<readonly string[]> {
    return this.#send({ id: ++this.#last, op: 'tcp', host, port, times, localPort: 0, withinMs })
  }

  async udp(host: string, port: number, localPort: number, withinMs = ANSWER_WITHIN_MS): Promise<string> {
    const [answer = ''] = await this.#send({ id: ++this.#last, op: 'udp', host, port, times: 1, localPort, withinMs })
    return answer
  }

  stop(): void {
    if (this.#child.connected) this.#child.disconnect()
  }

  #send(order: Order): Promise<readonly string[]> {
    const waiting = Promise.withResolvers<readonly string[]>()
    this.#waiting.set(order.id, waiting)
    this.#child.send(order)
    return waiting.promise
  }
}
