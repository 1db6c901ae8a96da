import { readFileSync, readdirSync } from 'node:fs'
import type { MetricDefinition, MetricText } from '#base'

const CPU: MetricDefinition = { name: 'process_cpu_seconds_total', help: 'CPU time of this process.', type: 'counter' }
const MEMORY: MetricDefinition = { name: 'process_resident_memory_bytes', help: 'Resident memory of this process.', type: 'gauge' }
const VIRTUAL: MetricDefinition = { name: 'process_virtual_memory_bytes', help: 'Address space of this process.', type: 'gauge' }
const OPEN_FILES: MetricDefinition = { name: 'process_open_fds', help: 'Files and sockets that are open.', type: 'gauge' }
const MOST_FILES: MetricDefinition = { name: 'process_max_fds', help: 'How many files and sockets may be open.', type: 'gauge' }
const START: MetricDefinition = {
  name: 'process_start_time_seconds',
  help: 'When this process began, in seconds since the epoch.',
  type: 'gauge',
}

/** What the kernel says of this process; what it does not say is left out. */
export function writeProcess(text: MetricText, startedAtSeconds: number): void {
  const { user, system } = process.cpuUsage()
  text.single(CPU, (user + system) / 1e6)
  text.single(MEMORY, process.memoryUsage.rss())
  text.single(START, startedAtSeconds)
  const virtualKib = /^VmSize:\s+(\d+) kB$/m.exec(proc('status'))?.[1]
  if (virtualKib !== undefined) text.single(VIRTUAL, Number(virtualKib) * 1024)
  const mostFiles = /^Max open files\s+(\d+)/m.exec(proc('limits'))?.[1]
  if (mostFiles !== undefined) text.single(MOST_FILES, Number(mostFiles))
  const openFiles = openFileCount()
  if (openFiles !== undefined) text.single(OPEN_FILES, openFiles)
}

function proc(file: string): string {
  try {
    return readFileSync(`/proc/self/${file}`, 'utf8')
  } catch {
    return ''
  }
}

function openFileCount(): number | undefined {
  try {
    // The listing itself is one of them.
    return readdirSync('/proc/self/fd').length - 1
  } catch {
    return undefined
  }
}
