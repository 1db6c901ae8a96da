import { spawn } from 'node:child_process'
import { existsSync, readlinkSync } from 'node:fs'
import { type Scope, messageOf } from '#base'
import { type IpFamily } from '#api'
import { tryOverlay, tryPolicyRules } from '#network'
import { tryHostPorts, tryPodLinks, tryPodRules, tryShaping } from '#node'
import { systemKernel, tryProxyRules } from '#proxy'
import type { Trials } from './doctor-facts.ts'

const MADE_WITHIN_MS = 5000
const LOOK_AGAIN_MS = 2

/**
 * Has the kernel make what nodes make, by the same code, in a network of its own that is gone with this call, however it ends: it lives as long as a program
 * that waits for this process's words. Undefined where no such network can be made.
 */
export async function tryKernel(scope: Scope, families: readonly IpFamily[]): Promise<Trials | undefined> {
  const child = spawn('unshare', ['--net', 'cat'], { stdio: ['pipe', 'ignore', 'ignore'] })
  child.stdin.on('error', () => undefined)
  const ended = new Promise<void>((resolve) => child.on('error', () => resolve()).on('exit', () => resolve()))
  try {
    const netns = await networkOf(scope, child.pid)
    return netns === undefined ? undefined : await tryAll(scope, netns, families)
  } finally {
    child.stdin.end()
    await ended
  }
}

async function tryAll(scope: Scope, netns: string, families: readonly IpFamily[]): Promise<Trials> {
  const outcome = (work: Promise<void>): Promise<string | undefined> =>
    work.then(
      () => undefined,
      (error: unknown) => firstLine(messageOf(error)),
    )
  // One after the other: they are short, and two changes of the rules at once would wait for each other anyway.
  return {
    'pod links': await outcome(tryPodLinks(scope, netns)),
    'pod rules': await outcome(tryPodRules(scope, netns, families)),
    services: await outcome(tryProxyRules(scope, systemKernel(netns), families)),
    policies: await outcome(tryPolicyRules(scope, netns, families)),
    overlay: await outcome(tryOverlay(scope, netns)),
    'host ports': await outcome(tryHostPorts(scope, netns)),
    bandwidth: await outcome(tryShaping(scope, netns)),
  }
}

/** Of a process, once it has another one than this process. */
async function networkOf(scope: Scope, pid: number | undefined): Promise<string | undefined> {
  if (pid === undefined) return undefined
  const own = readlinkSync('/proc/self/ns/net')
  const path = `/proc/${pid}/ns/net`
  const deadline = scope.clock.monotonic() + MADE_WITHIN_MS
  while (existsSync(`/proc/${pid}`) && scope.clock.monotonic() < deadline) {
    if (isOther(path, own)) return path
    await scope.sleep(LOOK_AGAIN_MS)
  }
  return undefined
}

function isOther(path: string, own: string): boolean {
  try {
    return readlinkSync(path) !== own
  } catch {
    return false
  }
}

/** Programs say what is wrong first, and what they were told afterwards. */
const firstLine = (text: string): string => text.split('\n')[0] ?? text
