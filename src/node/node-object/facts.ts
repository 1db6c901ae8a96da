import { readFileSync, statfsSync } from 'node:fs'
import { arch, availableParallelism, hostname, release, totalmem } from 'node:os'
import type { core } from '#api'

/** What the machine is and has. */
export interface MachineFacts {
  readonly cpus: number
  readonly memoryBytes: number
  readonly storageBytes: number
  readonly hostname: string
  readonly info: Pick<
    core.NodeSystemInfo,
    'machineID' | 'systemUUID' | 'bootID' | 'kernelVersion' | 'osImage' | 'operatingSystem' | 'architecture'
  >
}

export function machineFacts(rootDir: string): MachineFacts {
  const file = statfsSync(rootDir)
  const machineID = read('/etc/machine-id')
  const names: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }
  return {
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    storageBytes: file.blocks * file.bsize,
    hostname: hostname(),
    info: {
      machineID,
      systemUUID: read('/sys/class/dmi/id/product_uuid') || machineID,
      bootID: read('/proc/sys/kernel/random/boot_id'),
      kernelVersion: release(),
      osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(read('/etc/os-release'))?.[1] ?? '',
      operatingSystem: 'linux',
      architecture: names[arch()] ?? arch(),
    },
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}
