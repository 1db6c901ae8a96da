import { spawnSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { type Scope, UserError, rootScope, systemClock, writeYaml } from '#base'
import { type KubeObject, refs } from '#api'
import { createProgress, formatTable } from '#cli'
import type { Client } from '#client'
import {
  ComposeRefused,
  type Files,
  LISTS,
  type Project,
  type ProjectOptions,
  loadProject,
  printJson,
  printList,
  printYaml,
} from '#compose'
import { type ConvertSources, type Converted, bringUp, convertProject, objectsOf, takeDown } from '#delivery'
import { connectAsAdministrator } from '../../instance/connect.ts'
import { administratorKubeconfig } from '../../instance/locate.ts'
import { cacheDir } from '../../pack/find-pack.ts'
import { findKubectl } from '../../machine/kubectl.ts'
import type { ComposeConfigFlags, ComposeDownFlags, ComposeFlags, ComposeLogsFlags, ComposeUpFlags } from '../../program/flags.ts'

/** `sampan compose config`: the files of a project as they are understood, or why they are not. */
export function runComposeConfig(flags: ComposeConfigFlags): void {
  const project = readProject(flags)
  if (flags.quiet) return
  const lists = LISTS.filter((list) => flags[list])
  for (const list of lists) process.stdout.write(printList(project, list))
  if (lists.length === 0) process.stdout.write(flags.format === 'json' ? printJson(project.config) : printYaml(project.config))
}

/** `sampan compose convert`: plain Kubernetes manifests, which need nothing of ours. */
export function runComposeConvert(flags: ComposeFlags): void {
  const { converted, namespace } = read(flags)
  const objects = objectsOf(converted).map((object): KubeObject => ({ ...object, metadata: { ...object.metadata, namespace } }))
  process.stdout.write(objects.map((object) => writeYaml(object)).join('---\n'))
}

/** `sampan compose up`: makes the cluster run what the files say. */
export async function runComposeUp(flags: ComposeUpFlags): Promise<void> {
  using scope = rootScope()
  const { converted, namespace, project } = read(flags)
  const progress = createProgress(systemClock, { write: (text) => process.stdout.write(text), isTTY: process.stdout.isTTY })
  using limited = scope.child({ timeoutMs: flags.timeout * 1000 })
  await bringUp(limited, converted, {
    client: await connect(scope, flags),
    namespace,
    project,
    step: (title, work) => progress.step(title, work),
    wait: !flags.detach,
  })
}

/** `sampan compose down`: takes a project away, its data only when told to. */
export async function runComposeDown(flags: ComposeDownFlags): Promise<void> {
  using scope = rootScope()
  const { namespace, project } = read(flags)
  const removed = await takeDown(scope, await connect(scope, flags), namespace, project, flags.volumes)
  console.log(
    removed === 0
      ? `project ${project} does not run`
      : `removed ${removed} objects of project ${project}${flags.volumes ? '' : '; its volumes stay'}`,
  )
}

/** `sampan compose ps`: the containers of a project. */
export async function runComposePs(flags: ComposeFlags): Promise<void> {
  using scope = rootScope()
  const { namespace, project } = read(flags)
  const pods = await (await connect(scope, flags))
    .resource(refs.pods)
    .list(scope, { namespace, labelSelector: `app.kubernetes.io/part-of=${project}` })
  const rows = pods.items.map(({ metadata, spec, status }) => {
    const [container] = status?.containerStatuses ?? []
    const state =
      container?.state?.waiting?.reason ??
      container?.state?.terminated?.reason ??
      (container?.ready === true ? 'ready' : (status?.phase ?? '').toLowerCase())
    return [
      metadata?.labels?.['app.kubernetes.io/name'] ?? '',
      metadata?.name ?? '',
      state,
      String(container?.restartCount ?? 0),
      spec?.nodeName ?? '',
      spec?.containers[0]?.image ?? '',
    ]
  })
  console.log(
    formatTable(
      ['SERVICE', 'POD', 'STATE', 'RESTARTS', 'NODE', 'IMAGE'],
      rows.sort(([a = ''], [b = '']) => (a < b ? -1 : 1)),
    ),
  )
}

/** `sampan compose scale web=3`: until the next `up` says otherwise. */
export async function runComposeScale(sizes: readonly string[], flags: ComposeFlags): Promise<void> {
  using scope = rootScope()
  const { converted, namespace } = read(flags)
  const client = await connect(scope, flags)
  for (const size of sizes) {
    const [service = '', count = ''] = size.split('=')
    const workload = converted.order.find((step) => step.service === service)?.workload
    if (workload === undefined)
      throw new UserError(`there is no service ${service}`, `there are: ${converted.order.map((step) => step.service).join(', ')}`)
    if (workload.kind !== 'Deployment') throw new UserError(`service ${service} is a ${workload.kind ?? ''}, which has no size`)
    if (!/^\d+$/.test(count)) throw new UserError(`not a size: ${size}`, 'write it like web=3')
    await client
      .resource(refs.deployments)
      .patch(
        scope,
        { namespace, name: workload.metadata?.name ?? '' },
        { type: 'merge', body: { spec: { replicas: Number(count) } } },
        { subresource: 'scale' },
      )
    console.log(`${service}: ${count}`)
  }
}

/** `sampan compose logs`: what the containers of a project have written, by kubectl. */
export function runComposeLogs(services: readonly string[], flags: ComposeLogsFlags): void {
  const { converted, namespace, project } = read(flags)
  for (const service of services)
    if (!converted.order.some((step) => step.service === service)) throw new UserError(`there is no service ${service}`)
  const names = converted.order
    .filter(({ service }) => services.length === 0 || services.includes(service))
    .map(({ workload }) => workload.metadata?.name ?? '')
  const selector = `app.kubernetes.io/part-of=${project},app.kubernetes.io/name in (${names.join(',')})`
  const args = [
    'logs',
    '--namespace',
    namespace,
    '--selector',
    selector,
    '--prefix',
    '--max-log-requests',
    '100',
    '--tail',
    flags.tail,
    ...(flags.follow ? ['--follow'] : []),
  ]
  const run = spawnSync(findKubectl(process.env['PATH'] ?? '', cacheDir(process.env)), args, {
    stdio: 'inherit',
    env: { ...process.env, KUBECONFIG: administratorKubeconfig(flags) },
  })
  process.exitCode = run.status ?? 1
}

const connect = (scope: Scope, flags: ComposeFlags): Promise<Client> => connectAsAdministrator(scope, flags, 'sampan-compose')

/** The project of the flags as Kubernetes objects; whatever does not carry over is told at once, with its place. */
function read(flags: ComposeFlags): { readonly converted: Converted; readonly project: string; readonly namespace: string } {
  const project = readProject(flags)
  const converted = converting(() => convertProject(project.model(), sources))
  const placed = (path: readonly string[], text: string): string => {
    const place = project.placeOf(path)
    return `${place === undefined ? '' : `${place.file}${place.line === undefined ? '' : `:${place.line}`}: `}${path.join('.')}: ${text}`
  }
  for (const { path, text } of converted.notes) console.error(`note: ${placed(path, text)}`)
  if (converted.refusals.length > 0)
    throw new UserError(
      `this project cannot be run as it is:\n${converted.refusals.map(({ path, reason }) => `  ${placed(path, reason)}`).join('\n')}`,
    )
  const { name } = project
  return { converted, project: name, namespace: flags.namespace ?? name.replaceAll('_', '-') }
}

function readProject(flags: ComposeFlags): Project {
  return converting(() => loadProject(optionsOf(flags)))
}

function converting<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw error instanceof ComposeRefused ? new UserError(error.message) : error
  }
}

function optionsOf(flags: ComposeFlags): ProjectOptions {
  return {
    files,
    folder: process.cwd(),
    ...(flags.file.length > 0 ? { paths: flags.file } : {}),
    projectFolder: flags.projectDirectory,
    name: flags.projectName,
    profiles: flags.profile,
    environmentFiles: flags.envFile,
    environment: process.env,
    warn: (text) => console.error(`warning: ${text}`),
  }
}

const files: Files = { home: homedir(), read: (path) => readBytes(path)?.toString('utf8') }

const sources: ConvertSources = {
  read: readBytes,
  variable: (name) => process.env[name],
  isFile: (path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true,
}

function readBytes(path: string): Buffer | undefined {
  try {
    return statSync(path).isDirectory() ? undefined : readFileSync(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new UserError(`cannot read ${path}: ${String(code)}`, 'make it readable')
  }
}
