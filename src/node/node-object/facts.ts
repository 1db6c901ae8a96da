import { statfsSync } from 'node:fs'
import { arch, availableParallelism, hostname, release, totalmem } from 'node:os'
import { type core, formatQuantity } from '#api'
import { namesIn, textOfFile } from '../machine-files.ts'

/** What the machine is and has. */
export interface MachineFacts {
  readonly cpus: number
  readonly memoryBytes: number
  readonly storageBytes: number
  readonly hostname: string
  readonly hugePages: readonly HugePages[]
  readonly info: Pick<
    core.NodeSystemInfo,
    'machineID' | 'systemUUID' | 'bootID' | 'kernelVersion' | 'osImage' | 'operatingSystem' | 'architecture'
  >
}

/** How many processes the kernel has room for. */
export const mostPids = (): number => Number(textOfFile('/proc/sys/kernel/pid_max'))

/** Memory that is set aside in pages of one size. */
export interface HugePages {
  /** As in `hugepages-2Mi`. */
  readonly name: string
  readonly pageBytes: number
  readonly bytes: number
}

const HUGE_PAGES = '/sys/kernel/mm/hugepages'

function hugePages(): HugePages[] {
  return namesIn(HUGE_PAGES).flatMap((dir) => {
    const kilobytes = Number(/^hugepages-(\d+)kB$/.exec(dir)?.[1] ?? 0)
    if (kilobytes === 0) return []
    const pageBytes = kilobytes * 1024
    const name = formatQuantity({ mantissa: BigInt(pageBytes), scale: 0, format: 'BinarySI' })
    return [{ name, pageBytes, bytes: Number(textOfFile(`${HUGE_PAGES}/${dir}/nr_hugepages`)) * pageBytes }]
  })
}

export function machineFacts(rootDir: string): MachineFacts {
  const file = statfsSync(rootDir)
  const machineID = textOfFile('/etc/machine-id')
  const names: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }
  return {
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    storageBytes: file.blocks * file.bsize,
    hostname: hostname(),
    hugePages: hugePages(),
    info: {
      machineID,
      systemUUID: textOfFile('/sys/class/dmi/id/product_uuid') || machineID,
      bootID: textOfFile('/proc/sys/kernel/random/boot_id'),
      kernelVersion: release(),
      osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(textOfFile('/etc/os-release'))?.[1] ?? '',
      operatingSystem: 'linux',
      architecture: names[arch()] ?? arch(),
    },
  }
}
