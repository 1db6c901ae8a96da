import { type Shortage, countsHugePages, lacksOf, mayLowerOomScore } from '#node'
import type { DoctorFacts } from './doctor-facts.ts'
import { type Finding, block, fine, limit } from './finding.ts'
import { diagnoseKernel } from './kernel.ts'
import { takenPorts } from './ports.ts'

/** Pure. In the order in which a person wants to read it: what is needed first. */
export function diagnose(facts: DoctorFacts): readonly Finding[] {
  return [
    ...machine(facts),
    ...controlGroups(facts),
    ...diagnoseKernel(facts),
    ...runtime(facts),
    gateway(facts),
    volumes(facts),
    ...room(facts),
    ports(facts),
  ]
}

/** What the node itself refuses to start without, in its own words. */
function machine(facts: DoctorFacts): readonly Finding[] {
  const { canInstall, missing, machine: found } = facts
  const lacks = lacksOf(found)
  const packages = new Set([...missing.map((one) => one.package), ...lacks.flatMap((lack) => lack.package ?? [])])
  const others = lacks.filter((lack) => lack.package === undefined)
  const programs: Finding =
    packages.size === 0
      ? fine('programs', 'all there')
      : canInstall
        ? { what: 'programs', state: 'installs', found: `missing: ${[...packages].join(', ')}`, means: 'sampan up installs these packages' }
        : block(
            'programs',
            `missing: ${[...packages].join(', ')}`,
            "install these packages (Debian's names) with this machine's package manager",
          )
  return [
    programs,
    ...(others.length === 0 ? [fine('machine', 'can run containers')] : others.map(({ message }) => block('machine', message))),
    facts.architecture === 'x64'
      ? fine('processor', facts.architecture)
      : limit(
          'processor',
          facts.architecture,
          'Sampan is tried on x64 alone; the pause image is made for arm64, too, and there for nothing else',
        ),
  ]
}

const CONTROLLED: Readonly<Record<string, string>> = {
  cpu: 'requests and limits of processors are not kept',
  pids: 'pods can start as many processes as they like',
  cpuset: 'no container can have processors or memory of its own (--cpu-manager-policy static)',
}

function controlGroups({ machine: found }: DoctorFacts): readonly Finding[] {
  const { cgroups, controllers } = found
  if (cgroups === undefined) return []
  const there = `version ${cgroups.version}: ${[...controllers].filter((name) => !name.startsWith('name=')).join(', ')}`
  return [
    ...Object.entries(CONTROLLED)
      .filter(([name]) => !controllers.has(name))
      .map(([name, means]) => limit('control groups', `no controller ${name}`, means)),
    countsHugePages(found)
      ? fine('control groups', there)
      : limit(
          'control groups',
          `${there}; no controller hugetlb`,
          'huge pages of pods are counted by the scheduler and the node, not limited by the kernel',
        ),
    mayLowerOomScore(found)
      ? fine('capabilities', 'all that pods can ask for')
      : limit(
          'capabilities',
          'no CAP_SYS_RESOURCE',
          'sandboxes and guaranteed pods are not spared when memory runs out; pods that add SYS_RESOURCE do not start',
          'give it to what runs Sampan, if that is a container or a virtual machine of yours',
        ),
  ]
}

function runtime({ runtime: found, machine: { namespaces } }: DoctorFacts): readonly Finding[] {
  if (found.containerd === undefined) return []
  const { containerd, runc = 'no runc', told } = found
  const [major = 0, minor = 0] = containerd.split('.').map(Number)
  const older = (words: string): string => `${words} (${told ? 'as it tells' : 'as programs of these versions are'})`
  const newer = 'use a newer containerd and runc: sampan up --containerd DIR'
  return [
    fine('container runtime', `containerd ${containerd}, runc ${runc}`),
    found.userNamespaces && namespaces.has('user')
      ? fine('user namespaces', 'pods can have their own')
      : limit('user namespaces', older('none'), 'pods with hostUsers: false wait with an event', newer),
    found.supplementalGroupsPolicy
      ? fine('strict groups', 'kept')
      : limit('strict groups', older('none'), 'pods with supplementalGroupsPolicy: Strict fail', newer),
    found.recursiveReadOnlyMounts
      ? fine('recursive read-only mounts', 'made')
      : limit('recursive read-only mounts', older('none'), 'pods with recursiveReadOnly: Enabled are refused', newer),
    major > 1 || (major === 1 && minor >= 7)
      ? fine('devices by their CDI names', 'known')
      : limit(
          'devices by their CDI names',
          `containerd ${containerd} does not know them`,
          'containers that claim devices of drivers which name them so wait',
          newer,
        ),
  ]
}

function gateway({ gateway: { isWanted, version, speaksLua }, canInstall }: DoctorFacts): Finding {
  if (version !== undefined && speaksLua) return fine('HAProxy', version)
  const found = version === undefined ? 'not installed' : `${version}, without Lua`
  if (version === undefined && canInstall)
    return { what: 'HAProxy', state: 'installs', found, means: 'sampan up --gateway installs it; nothing else needs it' }
  const remedy = 'install HAProxy, built with Lua (tried with 2.6)'
  return isWanted
    ? block('HAProxy', found, remedy)
    : limit('HAProxy', found, 'Ingresses, Gateways and releases by weight: no sampan up --gateway', remedy)
}

function volumes({ volumeFilesystem, hasLoopDevices }: DoctorFacts): Finding {
  if (!hasLoopDevices)
    return limit(
      'volumes',
      'no /dev/loop-control',
      'the storage classes with a size that is kept, and block volumes; the class directory remains',
    )
  if (volumeFilesystem === 'xfs') return fine('volumes', 'images with XFS')
  return limit(
    'volumes',
    `images with ${volumeFilesystem}`,
    'such volumes may not grow while a pod uses them',
    'a kernel with XFS, and xfsprogs',
  )
}

const MEBIBYTE = 2 ** 20
const mebibytes = (bytes: number): string => `${Math.floor(bytes / MEBIBYTE)} MiB`
/** What all of it takes with a small application. */
const USUAL_MEMORY = 256 * MEBIBYTE

function room({ shortages, room: { dir, diskBytes, memoryBytes } }: DoctorFacts): readonly Finding[] {
  const short = (what: string, signals: RegExp, found: string, remedy: string): Finding => {
    const these = shortages.filter(({ signal }) => signals.test(signal))
    if (these.length === 0) return fine(what, found)
    return limit(
      what,
      `${found}: ${these.map(saying).join('; ')}`,
      'the node evicts pods, and takes no new ones, until there is more',
      remedy,
    )
  }
  const memory = short('memory', /^memory/, `${mebibytes(memoryBytes)} free`, 'stop what uses it')
  return [
    memory.state === 'ok' && memoryBytes < USUAL_MEMORY
      ? limit('memory', memory.found, `the cluster itself takes up to ${mebibytes(USUAL_MEMORY)}: little is left for pods`)
      : memory,
    short('disk', /^(node|image)fs/, `${mebibytes(diskBytes)} free for ${dir}`, 'make room, or give --state-dir a folder on another disk'),
    short(
      'processes',
      /^pid/,
      shortages.some(({ signal }) => signal === 'pid.available') ? 'few left' : 'enough left',
      'raise kernel.pid_max',
    ),
  ]
}

const saying = ({ signal, available, least }: Shortage): string =>
  signal.endsWith('.available') && signal !== 'pid.available'
    ? `${signal} is ${mebibytes(available)}, less than ${mebibytes(least)}`
    : `${signal} is ${available}, less than ${Math.ceil(least)}`

function ports({ listeners, wantedPorts }: DoctorFacts): Finding {
  const taken = takenPorts(listeners, wantedPorts)
  const fixed = taken.filter(({ isFlexible }) => !isFlexible)
  const saying = (all: typeof taken): string =>
    all.map(({ what, protocol, address, port }) => `${protocol} ${address}:${port} (${what})`).join(', ')
  if (fixed.length > 0)
    return block(
      'ports',
      `in use by others: ${saying(fixed)}`,
      'stop who uses them (ss -lntup names them), or use --isolated, whose nodes have a network of their own',
    )
  if (taken.length > 0)
    return limit(
      'ports',
      `in use by others: ${saying(taken)}`,
      'another free port is taken instead',
      'give --secure-port a port of your choice',
    )
  return fine('ports', wantedPorts.length === 0 ? 'those of the cluster that runs' : 'free')
}
