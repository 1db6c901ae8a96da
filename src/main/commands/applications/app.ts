import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Scope, UserError, YamlSyntaxError, readYamlDocuments, rootScope, systemClock } from '#base'
import { type ResourceRef, refs } from '#api'
import { createProgress, formatTable } from '#cli'
import type { Client } from '#client'
import {
  type Application,
  type Deployed,
  type Mode,
  type PartChange,
  type Place,
  applicationRef,
  awaitApplication,
  deleteApplication,
  deploy,
  findApplication,
  revisionsOf,
  rollback,
  servesPlatform,
  setMode,
} from '#delivery'
import type {
  AppApplyFlags,
  AppChangeFlags,
  AppDeleteFlags,
  AppFlags,
  AppListFlags,
  AppRollbackFlags,
  AppSuspendFlags,
} from '../../program/flags.ts'
import { connectAsAdministrator } from '../../instance/connect.ts'

/** `sampan app list`. */
export async function runAppList(flags: AppListFlags): Promise<void> {
  using scope = rootScope()
  const client = await connect(scope, flags)
  const { items } = await client.resource(applicationRef).list(scope, { namespace: flags.namespace })
  if (items.length === 0) return console.log('there are no applications')
  const rows = items.map((one) => {
    const ready = conditionOf(one, 'Ready')
    const { namespace = '', name = '' } = one.metadata ?? {}
    return [
      namespace,
      name,
      one.spec.mode ?? '',
      String(one.status?.revision ?? ''),
      one.status?.summary ?? '',
      ready?.status ?? 'Unknown',
      ready?.reason ?? '',
    ]
  })
  console.log(formatTable(['NAMESPACE', 'NAME', 'MODE', 'REVISION', 'PODS', 'READY', 'STATUS'], rows))
}

/** `sampan app status`: the exit code is 1 when it is not as it is wanted. */
export async function runAppStatus(name: string, flags: AppFlags): Promise<void> {
  using scope = rootScope()
  const place = await placeOf(scope, name, flags)
  const application = await present(scope, place)
  const { spec, status } = application
  console.log(
    `${place.namespace}/${name}: revision ${status?.revision ?? 'none'}${status?.revision === spec.revision ? '' : ` (wanted: ${spec.revision})`}, ${(spec.mode ?? '').toLowerCase()}, ${status?.summary ?? '0/0'} pods\n`,
  )
  for (const { type, status: holds, reason, message } of status?.conditions ?? [])
    console.log(`${type}: ${holds} (${reason})${message === '' ? '' : `: ${message}`}`)
  const rows = (status?.parts ?? []).map((part) => [
    `${part.kind}/${part.name}`,
    part.state,
    part.pods === undefined ? '' : `${part.pods.ready}/${part.pods.wanted}`,
    part.message ?? (part.holdsData === true ? 'holds data' : ''),
  ])
  if (rows.length > 0) console.log(`\n${formatTable(['PART', 'STATE', 'PODS', ''], rows)}`)
  const isSeen = status?.observedGeneration === application.metadata?.generation
  if (!isSeen || conditionOf(application, 'Ready')?.status !== 'True') process.exitCode = 1
}

/** `sampan app history`. */
export async function runAppHistory(name: string, flags: AppFlags): Promise<void> {
  using scope = rootScope()
  const place = await placeOf(scope, name, flags)
  const { spec, status } = await present(scope, place)
  const rows = (await revisionsOf(scope, place)).map(({ metadata, spec: one, status: of }) => [
    String(one.revision),
    metadata?.creationTimestamp ?? '',
    one.author,
    one.door,
    one.revision === spec.revision
      ? one.revision === status?.revision
        ? 'present'
        : 'wanted'
      : of?.refusal === undefined || of.appliedTime !== undefined
        ? of?.appliedTime === undefined
          ? 'never reached'
          : 'past'
        : 'refused',
    one.rollbackOf === undefined ? one.cause : `${one.cause === '' ? '' : `${one.cause}; `}says what ${one.rollbackOf} said`,
  ])
  console.log(formatTable(['REVISION', 'MADE', 'BY', 'DOOR', 'STATE', 'CAUSE'], rows))
}

/** `sampan app apply`. */
export async function runAppApply(name: string, flags: AppApplyFlags): Promise<void> {
  using scope = rootScope()
  const place = await placeOf(scope, name, flags)
  const brought = flags.file.flatMap(readDocuments)
  if (!flags.dryRun) await ensureNamespace(scope, place)
  const deployed = await deploy(scope, place, brought, {
    door: 'Manifests',
    cause: flags.cause ?? `sampan app apply ${flags.file.join(' ')}`,
    dryRun: flags.dryRun,
    run: false,
  })
  tell(place, deployed, flags.dryRun)
  await settle(scope, place, flags)
}

/** `sampan app rollback`. */
export async function runAppRollback(name: string, flags: AppRollbackFlags): Promise<void> {
  using scope = rootScope()
  const place = await placeOf(scope, name, flags)
  const done = await rollback(scope, place, { to: flags.to, cause: flags.cause ?? '', dryRun: flags.dryRun })
  if (done.isUnchanged) return console.log(`${name} is at revision ${done.to} already`)
  console.log(`back to what revision ${done.to} said:`)
  tell(place, done, flags.dryRun)
  await settle(scope, place, flags)
}

/** `sampan app suspend`. */
export async function runAppSuspend(name: string, flags: AppSuspendFlags): Promise<void> {
  if (flags.requests === 'hold')
    throw new UserError(
      'requests cannot be held while an application is suspended',
      'the Kubernetes API has no way to do that: they are answered with 503',
    )
  await runAppMode(name, 'Suspended', flags)
}

/** `sampan app suspend`, `resume`, `stop` and `start`. */
export async function runAppMode(name: string, mode: Mode, flags: AppChangeFlags): Promise<void> {
  using scope = rootScope()
  const place = await placeOf(scope, name, flags)
  const before = await present(scope, place)
  if (before.spec.mode === mode && !flags.dryRun) console.log(`${name} is ${mode.toLowerCase()} already`)
  else if (flags.dryRun) {
    for (const { kind, name: part, pods } of before.status?.parts ?? [])
      if (pods !== undefined) console.log(`would ${mode === 'Running' ? 'start' : 'end'} the pods of ${kind}/${part}`)
    if (mode === 'Stopped')
      for (const { kind, name: part } of before.status?.parts ?? [])
        if (kind === 'Ingress') console.log(`would remove ${kind}/${part} until it is started`)
    return
  } else await setMode(scope, place, mode)
  await settle(scope, place, flags)
}

/** `sampan app delete`. */
export async function runAppDelete(name: string, flags: AppDeleteFlags): Promise<void> {
  using scope = rootScope()
  const place = await placeOf(scope, name, flags)
  const parts = (await findApplication(scope, place))?.status?.parts ?? []
  const staying = parts.filter(({ holdsData }) => holdsData === true).map((part) => `${part.kind}/${part.name}`)
  if (flags.dryRun) {
    for (const { kind, name: part, holdsData } of parts)
      console.log(`would ${holdsData === true && !flags.volumes ? 'keep' : 'remove'} ${kind}/${part}`)
    return
  }
  using limited = scope.child({ timeoutMs: flags.timeout * 1000 })
  const progress = createProgress(systemClock, { write: (text) => process.stdout.write(text), isTTY: process.stdout.isTTY })
  await progress.step(`remove ${name}`, async (note) =>
    note((await deleteApplication(limited, place, flags.volumes)) ? '' : 'was not there'),
  )
  if (staying.length > 0 && !flags.volumes) console.log(`stays, with its data: ${staying.join(', ')} (remove it with --volumes)`)
}

function tell({ name }: Place, { revision, isUnchanged, changes, warnings }: Deployed, dryRun: boolean): void {
  if (isUnchanged) return console.log(`${name} is at revision ${revision}, which says the same`)
  const marks: Readonly<Record<PartChange['kind'], string>> = { add: '+', change: '~', remove: '-', keep: '=' }
  for (const { kind, part, details } of changes) {
    console.log(`  ${marks[kind]} ${part}`)
    for (const detail of details) console.log(`      ${detail}`)
  }
  for (const warning of warnings) console.log(`  note: ${warning}`)
  console.log(dryRun ? `nothing was done; it would be revision ${revision} of ${name}` : `revision ${revision} of ${name}`)
}

async function settle(scope: Scope, place: Place, flags: AppChangeFlags): Promise<void> {
  if (flags.detach || flags.dryRun) return
  using limited = scope.child({ timeoutMs: flags.timeout * 1000 })
  const progress = createProgress(systemClock, { write: (text) => process.stdout.write(text), isTTY: process.stdout.isTTY })
  await progress.step(`${place.name} is as it is wanted`, (note) =>
    awaitApplication(limited, place, (now) => note(`${now.status?.summary ?? ''} pods`)),
  )
}

async function ensureNamespace(scope: Scope, { client, namespace }: Place): Promise<void> {
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }
  await client
    .resource(refs.namespaces as ResourceRef)
    .patch(scope, { name: namespace }, { type: 'apply', body }, { fieldManager: 'sampan-app' })
}

async function present(scope: Scope, place: Place): Promise<Application> {
  const found = await findApplication(scope, place)
  if (found === undefined)
    throw new UserError(`there is no application ${place.name} in namespace ${place.namespace}`, 'see: sampan app list')
  return found
}

const conditionOf = ({ status }: Application, type: string) => status?.conditions?.find((condition) => condition.type === type)

async function placeOf(scope: Scope, name: string, flags: AppFlags): Promise<Place> {
  return { client: await connect(scope, flags), namespace: flags.namespace ?? name, name }
}

async function connect(scope: Scope, flags: AppFlags): Promise<Client> {
  const client = await connectAsAdministrator(scope, flags, 'sampan-app')
  if (!(await servesPlatform(scope, client)))
    throw new UserError(
      'this cluster has no applications',
      'bring their kinds and controllers: sampan up --delivery, or sampan delivery beside the cluster',
    )
  return client
}

function readDocuments(path: string): readonly unknown[] {
  try {
    if (path !== '-' && statSync(path).isDirectory())
      return readdirSync(path)
        .filter((file) => /\.(ya?ml|json)$/.test(file))
        .sort()
        .flatMap((file) => readDocuments(join(path, file)))
    return readYamlDocuments(readFileSync(path === '-' ? 0 : path, 'utf8')).filter(
      (document) => document !== null && document !== undefined,
    )
  } catch (error) {
    if (error instanceof YamlSyntaxError) throw new UserError(`${path}: ${error.message}`)
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      throw new UserError(`there is no ${path}`, 'give -f a file or a folder of manifests')
    throw error
  }
}
