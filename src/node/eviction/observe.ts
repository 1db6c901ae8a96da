import { readFileSync, statfsSync } from 'node:fs'
import type { Observation, Observations, Signal } from './thresholds.ts'

/** What the node has and has left: a few cheap reads. */
export function observe(dir: string): Observations {
  const meminfo = readFileSync('/proc/meminfo', 'utf8')
  const memory = (name: string): number => Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(meminfo)?.[1] ?? 0) * 1024
  const disk = statfsSync(dir)
  const running = Number(/\/(\d+)/.exec(readFileSync('/proc/loadavg', 'utf8'))?.[1] ?? 0)
  const mostPids = Number(readFileSync('/proc/sys/kernel/pid_max', 'utf8'))
  const space = { available: disk.bavail * disk.bsize, capacity: disk.blocks * disk.bsize }
  const inodes = { available: disk.ffree, capacity: disk.files }
  const seen: [Signal, Observation][] = [
    ['memory.available', { available: memory('MemAvailable'), capacity: memory('MemTotal') }],
    ['nodefs.available', space],
    ['imagefs.available', space],
    // Some file systems make inodes as they need them, and count none.
    ...(disk.files === 0
      ? []
      : ([
          ['nodefs.inodesFree', inodes],
          ['imagefs.inodesFree', inodes],
        ] satisfies [Signal, Observation][])),
    ['pid.available', { available: mostPids - running, capacity: mostPids }],
  ]
  return new Map(seen)
}
