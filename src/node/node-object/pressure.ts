import { readFileSync, statfsSync } from 'node:fs'
import type { MachineFacts } from './facts.ts'

const LEAST_MEMORY_BYTES = 100 * 1024 * 1024
const LEAST_DISK_PART = 0.1
const LEAST_INODES_PART = 0.05
const MOST_PIDS_PART = 0.9

/** Whether the node runs short of memory, disk or process ids: cheap reads, made when the node reports. */
export class Pressure {
  readonly #dir: string
  readonly #facts: MachineFacts

  constructor(dir: string, facts: MachineFacts) {
    this.#dir = dir
    this.#facts = facts
  }

  now(): { readonly memoryPressure: boolean; readonly diskPressure: boolean; readonly pidPressure: boolean } {
    const meminfo = readFileSync('/proc/meminfo', 'utf8')
    const available = Number(/^MemAvailable:\s*(\d+)/m.exec(meminfo)?.[1] ?? this.#facts.memoryBytes / 1024) * 1024
    const disk = statfsSync(this.#dir)
    const running = Number(/\/(\d+)/.exec(readFileSync('/proc/loadavg', 'utf8'))?.[1] ?? 0)
    const most = Number(readFileSync('/proc/sys/kernel/pid_max', 'utf8'))
    return {
      memoryPressure: available < LEAST_MEMORY_BYTES,
      diskPressure: disk.bavail / disk.blocks < LEAST_DISK_PART || (disk.files > 0 && disk.ffree / disk.files < LEAST_INODES_PART),
      pidPressure: running > most * MOST_PIDS_PART,
    }
  }
}
