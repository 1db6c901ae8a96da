import { existsSync, readdirSync } from 'node:fs'
import { get } from 'node:http'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { type Scope, UserError, messageOf, rootScope, systemClock } from '#base'
import { type Progress, createProgress, formatDuration } from '#cli'
import { type Client, createClient, loadKubeconfig, socketTransport } from '#client'
import { type OciLayout, buildImage, importImages, pauseDefinition, readImageDefinitions } from '#images'
import { layoutOf, prepareHost } from '#node'
import { isSupervised, lastLines, startInBackground } from '../background/processes.ts'
import { type Instance, NODE_PORT_OF_EXAMPLE, nodeName, readInstance, writeInstance } from '../instance/instance.ts'
import { claimLink, ensureLink } from '../instance/link.ts'
import { cacheDir, freePort, stateDirOf } from '../instance/locate.ts'
import { NODE_PROGRAMS, installPackages, missingPrograms } from '../machine/packages.ts'
import type { UpFlags } from '../flags.ts'
import { applyAll, readManifests, waitForDeployments, waitForNode } from '../up/apply.ts'
import { type Component, componentCommand, hostOptions } from '../up/commands.ts'

const EXAMPLE = join(import.meta.dirname, '../../../examples/shop')
const SYSTEM = join(import.meta.dirname, '../up/system')
const USUAL_PORT = 6443
const POLL_MS = 10
const READY_WITHIN_MS = 60_000
const ROLLED_OUT_WITHIN_MS = 180_000

/** Starts what does not run yet, in an order in which nothing waits for what comes later. Every step can be repeated. */
export async function runUp(flags: UpFlags): Promise<void> {
  if (process.getuid?.() !== 0) throw new UserError('a cluster with real containers needs root', 'run it as root: sudo ./sampan up')
  using scope = rootScope()
  const progress = createProgress(systemClock, { write: (text) => process.stdout.write(text), isTTY: process.stdout.isTTY })
  const startMs = systemClock.monotonic()
  const stateDir = stateDirOf(flags)
  await progress.step('machine', (note) => {
    const missing = [...new Set(missingPrograms(NODE_PROGRAMS, process.env['PATH'] ?? '').map((needed) => needed.package))]
    if (missing.length === 0) return
    installPackages(missing)
    note(`installed ${missing.join(', ')}`)
  })
  const instance = await claimInstance(stateDir, flags)
  if (instance.namespace !== undefined)
    ensureLink({ namespace: instance.namespace, machineAddress: instance.machineAddress, nodeAddress: instance.nodeAddress }, stateDir)
  const [layouts, client] = await Promise.all([
    buildImages(scope, progress, flags.example),
    startServer(scope, progress, stateDir, instance),
    progress.step('containerd', async (note) => {
      const host = await prepareHost(scope, hostOptions(stateDir, instance))
      note(`${host.adopted ? 'runs already' : 'started'}, pid ${host.containerdPid}`)
    }),
  ])
  await progress.step('images', async (note) => {
    const { containerd } = layoutOf(hostOptions(stateDir, instance))
    const imported = (await importImages(scope, { address: containerd.socket, layouts })).filter((image) => image.imported)
    note(imported.length === 0 ? 'all there' : `imported ${imported.length}`)
  })
  await progress.step('system objects', () => applyAll(scope, client, readManifests(SYSTEM)))
  await progress.step('agent, proxy and DNS', async (note) => {
    const startedMs = systemClock.now()
    const since = (await start(scope, stateDir, instance, 'agent', note)) ? startedMs : 0
    await within(
      scope,
      READY_WITHIN_MS,
      'the node is not ready',
      () => lastLines(stateDir, 'agent'),
      (limited) => waitForNode(limited, client, nodeName(instance), since),
    )
  })
  if (flags.example) await startExample(scope, progress, client, instance)
  progress.say(`\nThe cluster is up (${formatDuration(systemClock.monotonic() - startMs)}).`)
  progress.say(hints(stateDir, instance, flags).join('\n'))
}

async function claimInstance(stateDir: string, flags: UpFlags): Promise<Instance> {
  const known = readInstance(stateDir)
  if (known !== undefined) return known
  // What stands in the folder goes with `sampan reset`: nothing of somebody else's may.
  if (existsSync(stateDir) && readdirSync(stateDir).some((entry) => !entry.startsWith('instance.json')))
    throw new UserError(`${stateDir} holds something that is not a cluster`, 'give --state-dir a folder that is empty or does not exist')
  const securePort = flags.securePort ?? (await freePort(USUAL_PORT))
  const link = flags.isolated || flags.name !== 'default' ? claimLink() : undefined
  const address = machineAddress()
  const instance: Instance = {
    version: 1,
    name: flags.name,
    securePort,
    nodeAddress: link?.nodeAddress ?? address,
    machineAddress: link?.machineAddress ?? address,
    ...(link === undefined ? {} : { namespace: link.namespace }),
  }
  writeInstance(stateDir, instance)
  return instance
}

function machineAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const found = addresses.find(({ family, internal }) => family === 'IPv4' && !internal)
  if (found === undefined)
    throw new UserError('this machine has no IPv4 address but its loopback one', 'use --isolated: the node then gets a network of its own')
  return found.address
}

function buildImages(scope: Scope, progress: Progress, withExample: boolean): Promise<readonly OciLayout[]> {
  return progress.step('image layers', async (note) => {
    const definitions = [pauseDefinition, ...(withExample ? readImageDefinitions(join(EXAMPLE, 'images.json')) : [])]
    const layouts: OciLayout[] = []
    for (const definition of definitions) layouts.push(await buildImage(scope, definition, { cacheDir: cacheDir(process.env) }))
    note(layouts.every(({ cached }) => cached) ? 'from the cache' : `${layouts.length} built`)
    return layouts
  })
}

function startServer(scope: Scope, progress: Progress, stateDir: string, instance: Instance): Promise<Client> {
  return progress.step('API server, controllers and scheduler', async (note) => {
    await start(scope, stateDir, instance, 'server', note)
    return within(
      scope,
      READY_WITHIN_MS,
      'the API server is not ready',
      () => lastLines(stateDir, 'server'),
      (limited) => readyClient(limited, stateDir),
    )
  })
}

async function start(
  scope: Scope,
  stateDir: string,
  instance: Instance,
  component: Component,
  note: (text: string) => void,
): Promise<boolean> {
  const { started } = await startInBackground(scope, stateDir, component, componentCommand(component, stateDir, instance))
  note(started ? 'started' : 'runs already')
  return started
}

async function readyClient(scope: Scope, stateDir: string): Promise<Client> {
  const file = join(stateDir, 'admin.kubeconfig')
  for (;;) {
    // Its supervisor starts it again after all but wrong use: nobody waits for what will not come.
    if (!isSupervised(stateDir, 'server')) throw new UserError('the API server has ended', lastLines(stateDir, 'server'))
    if (existsSync(file)) {
      const client = createClient({ transport: socketTransport((await loadKubeconfig(file)).connection), fieldManager: 'sampan' })
      const answer = await client.raw(scope, { method: 'GET', path: '/readyz' }).catch(() => undefined)
      if (answer?.status === 200) return client
    }
    await scope.sleep(POLL_MS)
  }
}

async function startExample(scope: Scope, progress: Progress, client: Client, instance: Instance): Promise<void> {
  await progress.step('example application', async (note) => {
    await applyAll(scope, client, readManifests(join(EXAMPLE, 'manifests')))
    let state = ''
    await within(
      scope,
      ROLLED_OUT_WITHIN_MS,
      'the example application is not available',
      () => `${state}; see: ./sampan kubectl -n shop get pods,events`,
      (limited) =>
        waitForDeployments(limited, client, 'shop', (available, all) => {
          state = `${available} of ${all} deployments available`
        }),
    )
    note(state)
  })
  await progress.step('first answer of the storefront', () =>
    within(
      scope,
      READY_WITHIN_MS,
      'the storefront does not answer',
      () => storefront(instance),
      (limited) => firstAnswer(limited, `${storefront(instance)}/`),
    ),
  )
}

const storefront = (instance: Instance): string => `http://${instance.nodeAddress}:${NODE_PORT_OF_EXAMPLE}`

async function firstAnswer(scope: Scope, url: string): Promise<void> {
  for (;;) {
    if ((await statusOf(url)) === 200) return
    await scope.sleep(POLL_MS)
  }
}

function statusOf(url: string): Promise<number | undefined> {
  return new Promise((answer) => {
    const request = get(url, { timeout: 2000 }, (response) => {
      response.resume()
      answer(response.statusCode)
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => answer(undefined))
  })
}

/** What does not come about in time fails with what is known about why. */
async function within<T>(scope: Scope, timeoutMs: number, what: string, why: () => string, work: (scope: Scope) => Promise<T>): Promise<T> {
  using limited = scope.child({ timeoutMs })
  try {
    return await work(limited)
  } catch (error) {
    if (limited.signal.aborted) throw new UserError(`${what} after ${formatDuration(timeoutMs)}`, why())
    throw error instanceof UserError ? error : new UserError(`${what}: ${messageOf(error)}`, why())
  }
}

function hints(stateDir: string, instance: Instance, flags: UpFlags): readonly string[] {
  const name = flags.name === 'default' ? '' : ` --name ${flags.name}`
  return [
    ...(flags.example ? ['', `  the shop          ${storefront(instance)}`] : ['']),
    `  look around       ./sampan kubectl${name} get pods -A`,
    `  your own kubectl  export KUBECONFIG=${join(stateDir, 'admin.kubeconfig')}`,
    `  how it is         ./sampan status${name}`,
    `  stop, keep data   ./sampan down${name}`,
    `  remove all        ./sampan reset${name}`,
  ]
}
