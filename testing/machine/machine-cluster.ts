import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { type CancellableScope, rootScope } from '#base'
import { type Client, createClient, loadKubeconfig, socketTransport } from '#client'
import { type Instance, bundledKubectl, cacheDir, hostOptions, readInstance, running } from '#main'
import { type ContainerRuntime, type HostLayout, containerdRuntime, layoutOf } from '#node'
import { type CommandOptions, type CommandResult, type RunningCommand, commandOutput, runCommand, startCommand } from './command.ts'

/** A whole cluster on this machine, through the command that people use, under a name and a state folder of its own. */
export interface MachineCluster {
  readonly name: string
  readonly stateDir: string
  readonly scope: CancellableScope
  readonly instance: Instance
  readonly layout: HostLayout
  readonly runtime: ContainerRuntime
  /** `sampan COMMAND ARGS… --name … --state-dir …`. */
  sampan(command: string, ...args: readonly string[]): Promise<CommandResult>
  /** As `sampan`, where anything but success is an error. */
  must(command: string, ...args: readonly string[]): Promise<string>
  /** The kubectl that comes with the dependencies, whatever else the machine has. */
  kubectl(args: readonly string[], options?: CommandOptions): Promise<CommandResult>
  /** As `kubectl`, where anything but success is an error: its standard output. */
  mustKubectl(args: readonly string[], options?: CommandOptions): Promise<string>
  startKubectl(args: readonly string[]): RunningCommand
  client(): Promise<Client>
  /** A TypeScript program in the network of the node. */
  inside(program: string, ...args: readonly string[]): readonly [string, readonly string[]]
  /** Of the processes themselves, not of their supervisors; undefined for what does not run. */
  pids(): { readonly server: number | undefined; readonly agent: number | undefined; readonly containerd: number | undefined }
  /** `reset`, whatever state the cluster is in. Safe to repeat. */
  remove(): Promise<void>
}

const ROOT = join(import.meta.dirname, '../..')
const PREFIX = 'sampan-e2e-'
const OWNER = 'owner'
const UP_WITHIN_MS = 300_000

/** Why clusters on the machine cannot be tested here; false where they can. For the `skip` of a suite. */
export const noMachineCluster: string | false =
  process.getuid?.() === 0 ? false : 'needs root: real containers, network namespaces and control groups'

/** `label` is a short word of lower case letters; names of several runs do not meet. */
export async function machineCluster(label: string): Promise<MachineCluster> {
  await removeAbandoned()
  const folder = mkdtempSync(join(tmpdir(), PREFIX))
  const stateDir = stateDirIn(folder)
  const name = `${label}-${folder
    .slice(-6)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, 'x')}`
  writeFileSync(join(folder, OWNER), `${process.pid} ${startOf(process.pid)} ${name}\n`)
  const scope = rootScope()
  const kubectl = bundledKubectl(cacheDir(process.env))
  const kubeconfig = join(stateDir, 'admin.kubeconfig')
  const kubectlOptions = (options: CommandOptions): CommandOptions => ({
    ...options,
    env: { ...process.env, KUBECONFIG: kubeconfig, KUBECACHEDIR: join(folder, 'kubectl-cache'), ...options.env },
  })
  const instance = (): Instance => {
    const found = readInstance(stateDir)
    if (found === undefined) throw new Error(`${name} has not been brought up`)
    return found
  }
  const layout = (): HostLayout => layoutOf(hostOptions(stateDir, instance()))
  const sampan: MachineCluster['sampan'] = (command, ...args) => runSampan([command, '--name', name, '--state-dir', stateDir, ...args])
  return {
    name,
    stateDir,
    scope,
    get instance() {
      return instance()
    },
    get layout() {
      return layout()
    },
    get runtime() {
      return containerdRuntime(layout().containerd.socket)
    },
    sampan,
    async must(command, ...args) {
      const { code, stdout, stderr } = await sampan(command, ...args)
      if (code !== 0) throw new Error(`sampan ${command} ended with ${code}\n${stdout}${stderr}`)
      return stdout
    },
    kubectl: (args, options = {}) => runCommand(kubectl, args, kubectlOptions(options)),
    mustKubectl: (args, options = {}) => commandOutput(kubectl, args, kubectlOptions(options)),
    startKubectl: (args) => startCommand(kubectl, args, kubectlOptions({})),
    client: async () => createClient({ transport: socketTransport((await loadKubeconfig(kubeconfig)).connection) }),
    inside(program, ...args) {
      const { namespace = '' } = instance().nodes[0]
      return ['ip', ['netns', 'exec', namespace, process.execPath, '--disable-warning=ExperimentalWarning', program, ...args]]
    },
    pids: () => ({
      server: running(stateDir, 'server')?.pid,
      agent: running(stateDir, 'agent')?.pid,
      containerd: pidOf(layout().containerd.pidFile),
    }),
    async remove() {
      scope.cancel()
      await removeCluster(folder, name)
    },
  }
}

/** The script that people call, on the Node that runs this. */
function runSampan(args: readonly string[]): Promise<CommandResult> {
  const path = [dirname(process.execPath), process.env['PATH']].join(delimiter)
  return runCommand(join(ROOT, 'sampan'), args, { env: { ...process.env, PATH: path, NO_COLOR: '1' }, limitMs: UP_WITHIN_MS })
}

const stateDirIn = (folder: string): string => join(folder, 'state')

async function removeCluster(folder: string, name: string): Promise<void> {
  const stateDir = stateDirIn(folder)
  if (readInstance(stateDir) !== undefined) {
    const { code, stdout, stderr } = await runSampan(['reset', '--name', name, '--state-dir', stateDir])
    if (code !== 0) throw new Error(`sampan reset of ${stateDir} ended with ${code}\n${stdout}${stderr}`)
  }
  rmSync(folder, { recursive: true, force: true })
}

/** Clusters of test runs that were killed before they could tidy up. */
async function removeAbandoned(): Promise<void> {
  for (const entry of readdirSync(tmpdir()).filter((entry) => entry.startsWith(PREFIX))) {
    const folder = join(tmpdir(), entry)
    try {
      const [pid, start, name = ''] = readFileSync(join(folder, OWNER), 'utf8').trim().split(' ')
      if (startOf(Number(pid)) !== start) await removeCluster(folder, name)
    } catch {
      // Being made, or being removed, by another run at this moment.
    }
  }
}

/** A pid together with its start time names a process for good. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

function pidOf(file: string): number | undefined {
  try {
    const [pid, start] = readFileSync(file, 'utf8').trim().split(' ')
    return startOf(Number(pid)) === start ? Number(pid) : undefined
  } catch {
    return undefined
  }
}
