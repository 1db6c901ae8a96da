import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Scope, UserError, rootScope, systemClock } from '#base'
import { type Progress, createProgress, formatDuration } from '#cli'
import { type Client, createClient, loadKubeconfig, socketTransport } from '#client'
import { applyObjects, servesPlatform } from '#delivery'
import { type OciLayout, buildImage, importImages, pauseDefinition, readImageDefinitions } from '#images'
import { containerdClient, layoutOf, prepareHost } from '#node'
import { isSupervised, lastLines, startInBackground, stopInBackground } from '../background/processes.ts'
import { NODE_PORT_OF_EXAMPLE, type Instance, type NodePlace, dnsService, hostInUrl, readInstance } from '../instance/instance.ts'
import { ensureNetwork } from '../instance/network.ts'
import { stateDirOf } from '../instance/locate.ts'
import { cacheDir } from '../pack/find-pack.ts'
import { GATEWAY_PROGRAMS, NODE_PROGRAMS } from '../machine/packages.ts'
import { resumeJoined } from '../join/joined-node.ts'
import type { UpFlags } from '../program/flags.ts'
import { readManifests, waitForDeployments, waitForNode, waitForNodeApi } from '../up/apply.ts'
import { type Component, DELIVERY, GATEWAY, SERVER, agentOf, componentCommand, hostOptions } from '../up/commands.ts'
import { claimInstance } from '../up/claim-instance.ts'
import { dnsEndpoints, withDnsService } from '../up/dns-endpoints.ts'
import { prepareMachine } from '../up/prepare-machine.ts'
import { switchNetwork } from '../up/switch-network.ts'
import { answerOf, firstAnswer } from '../up/first-answer.ts'
import { within } from '../up/within.ts'

const EXAMPLE = join(import.meta.dirname, '../../../examples/shop')
const SYSTEM = join(import.meta.dirname, '../up/system')
const DELIVERY_OBJECTS = join(import.meta.dirname, '../up/delivery')
const GATEWAY_OBJECTS = join(import.meta.dirname, '../up/gateway')
const AS_OWNER = { fieldManager: 'sampan' }
const POLL_MS = 10
const READY_WITHIN_MS = 60_000
const STOP_WITHIN_MS = 20_000
const ROLLED_OUT_WITHIN_MS = 180_000

/** Starts what does not run yet, in an order in which nothing waits for what comes later. Every step can be repeated. */
export async function runUp(flags: UpFlags): Promise<void> {
  if (process.getuid?.() !== 0) throw new UserError('a cluster with real containers needs root', 'run it as root: sudo ./sampan up')
  using scope = rootScope()
  const progress = createProgress(systemClock, { write: (text) => process.stdout.write(text), isTTY: process.stdout.isTTY })
  const startMs = systemClock.monotonic()
  const stateDir = stateDirOf(flags)
  const known = readInstance(stateDir)
  if (known?.joined !== undefined) return await resumeJoined(scope, progress, stateDir, known, flags)
  await prepareMachine(
    progress,
    flags.gateway === true || known?.gateway === true ? [...NODE_PROGRAMS, ...GATEWAY_PROGRAMS] : NODE_PROGRAMS,
    flags.containerd ?? known?.containerdDir,
  )
  using claimed = new DisposableStack()
  const instance = await claimInstance(scope, stateDir, flags, claimed)
  ensureNetwork(instance, stateDir)
  const containerd = progress.step('containerd', async (note) => {
    const hosts = await Promise.all(instance.nodes.map((_, index) => prepareHost(scope, hostOptions(stateDir, instance, index))))
    note(`${hosts.every(({ adopted }) => adopted) ? 'runs already' : 'started'}, pid ${hosts.map((host) => host.containerdPid).join(', ')}`)
  })
  const server = startServer(scope, progress, stateDir, instance)
  const images = Promise.all([buildImages(scope, progress, flags.example), containerd]).then(([layouts]) =>
    bringImages(scope, progress, stateDir, instance, layouts),
  )
  // The agents load meanwhile, and wait for the server by themselves.
  const agents = containerd.then(async () => {
    if (known !== undefined && flags.network !== undefined)
      await progress.step('network', async (note) => switchNetwork(scope, await server, stateDir, instance, note))
    await progress.step('agent, proxy and DNS', async (note) => {
      await Promise.all(instance.nodes.map((node, index) => startNode(scope, stateDir, instance, node, index, server, note)))
    })
  })
  // What the agents are permitted is there before they ask for it, as far as can be.
  const system = server.then(async (client) => {
    await progress.step('system objects', () =>
      applyObjects(
        scope,
        client,
        [...withDnsService(readManifests(SYSTEM), dnsService(instance)), dnsEndpoints(instance.dnsAddress)],
        AS_OWNER,
      ),
    )
    return client
  })
  // What pods are made of is there before pods are.
  const applications = Promise.all([system, images]).then(async ([client]) => {
    if (flags.example) await startExample(scope, progress, client)
    return client
  })
  const [client] = await Promise.all([applications, agents])
  if (instance.gateway === true) await startGateway(scope, progress, stateDir, instance, client)
  if (instance.delivery === true) await startDelivery(scope, progress, stateDir, instance, client)
  if (flags.example) await awaitStorefront(scope, progress, instance)
  progress.say(`\nThe cluster is up (${formatDuration(systemClock.monotonic() - startMs)}).`)
  progress.say(hints(stateDir, instance, flags).join('\n'))
}

async function startNode(
  scope: Scope,
  stateDir: string,
  instance: Instance,
  { name }: NodePlace,
  index: number,
  server: Promise<Client>,
  note: (text: string) => void,
): Promise<void> {
  const component = agentOf(index)
  const startedMs = systemClock.now()
  const isNew = await start(scope, stateDir, instance, component, note)
  const since = isNew ? startedMs : 0
  const client = await server.catch(async (error: unknown) => {
    // It would wait for a server that nobody starts.
    if (isNew) await stopInBackground(scope, stateDir, component.name, STOP_WITHIN_MS)
    throw error
  })
  await within(
    scope,
    READY_WITHIN_MS,
    `the node ${name} is not ready`,
    () => lastLines(stateDir, component.name),
    (limited) => waitForNode(limited, client, name, since),
  )
  await within(
    scope,
    READY_WITHIN_MS,
    `the API of the node ${name} (exec, logs) does not answer`,
    () => lastLines(stateDir, component.name),
    (limited) => waitForNodeApi(limited, client, name),
  )
}

async function startGateway(scope: Scope, progress: Progress, stateDir: string, instance: Instance, client: Client): Promise<void> {
  const isUp = async (): Promise<boolean> => typeof (await answerOf(`http://${hostInUrl(instance.nodes[0].address)}/`)) === 'number'
  await progress.step('gateway', async (note) => {
    await applyObjects(scope, client, readManifests(GATEWAY_OBJECTS), AS_OWNER)
    await start(scope, stateDir, instance, GATEWAY, note)
    await awaitComponent(scope, stateDir, GATEWAY, 'the gateway', 'the gateway does not answer', isUp)
  })
}

/** Its kinds are the last thing that it makes before it works. */
async function startDelivery(scope: Scope, progress: Progress, stateDir: string, instance: Instance, client: Client): Promise<void> {
  await progress.step('delivery', async (note) => {
    await applyObjects(scope, client, readManifests(DELIVERY_OBJECTS), AS_OWNER)
    await start(scope, stateDir, instance, DELIVERY, note)
    await awaitComponent(scope, stateDir, DELIVERY, 'delivery', 'the kinds of the platform are not served', (limited) =>
      servesPlatform(limited, client),
    )
  })
}

/** Throws when `called` has ended, or `what` still holds after a minute. */
async function awaitComponent(
  scope: Scope,
  stateDir: string,
  { name }: Component,
  called: string,
  what: string,
  isUp: (scope: Scope) => Promise<boolean>,
): Promise<void> {
  await within(
    scope,
    READY_WITHIN_MS,
    what,
    () => lastLines(stateDir, name),
    async (limited) => {
      while (!(await isUp(limited))) {
        if (!isSupervised(stateDir, name)) throw new UserError(`${called} has ended`, lastLines(stateDir, name))
        await limited.sleep(POLL_MS)
      }
    },
  )
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

async function bringImages(
  scope: Scope,
  progress: Progress,
  stateDir: string,
  instance: Instance,
  layouts: readonly OciLayout[],
): Promise<void> {
  await progress.step('images', async (note) => {
    const everywhere = await Promise.all(
      instance.nodes.map((_, index) =>
        importImages(scope, {
          address: layoutOf(hostOptions(stateDir, instance, index)).containerd.socket,
          ...containerdClient(hostOptions(stateDir, instance, index)),
          layouts,
        }),
      ),
    )
    const imported = everywhere.flat().filter((image) => image.imported)
    note(imported.length === 0 ? 'all there' : `imported ${imported.length}`)
  })
}

function startServer(scope: Scope, progress: Progress, stateDir: string, instance: Instance): Promise<Client> {
  return progress.step('API server, controllers and scheduler', async (note) => {
    await start(scope, stateDir, instance, SERVER, note)
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
  const { started } = await startInBackground(scope, stateDir, component.name, componentCommand(component, stateDir, instance))
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

async function startExample(scope: Scope, progress: Progress, client: Client): Promise<void> {
  await progress.step('example application', async (note) => {
    await applyObjects(scope, client, readManifests(join(EXAMPLE, 'manifests')), AS_OWNER)
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
}

async function awaitStorefront(scope: Scope, progress: Progress, instance: Instance): Promise<void> {
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

const storefront = (instance: Instance): string => `http://${hostInUrl(instance.nodes[0].address)}:${NODE_PORT_OF_EXAMPLE}`

function hints(stateDir: string, instance: Instance, flags: UpFlags): readonly string[] {
  const name = flags.name === 'default' ? '' : ` --name ${flags.name}`
  return [
    ...(instance.gateway === true
      ? ['', `  the gateway       http://${hostInUrl(instance.nodes[0].address)} and https, for Ingresses`]
      : []),
    ...(flags.example ? ['', `  the shop          ${storefront(instance)}`] : ['']),
    `  look around       ./sampan kubectl${name} get pods -A`,
    `  your own kubectl  export KUBECONFIG=${join(stateDir, 'admin.kubeconfig')}`,
    `  how it is         ./sampan status${name}`,
    `  stop, keep data   ./sampan down${name}`,
    `  remove all        ./sampan reset${name}`,
  ]
}
