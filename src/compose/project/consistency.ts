import { ComposeRefused } from '../refusal.ts'
import { type Dict, type Value, childDict, isDict } from '../value.ts'

/** Rules between the parts of a project, over its enabled services; `disabled` are the names of the others. Throws `ComposeRefused`. */
export function checkConsistency(model: Dict, disabled: ReadonlySet<string>): void {
  const services = childDict(model, 'services')
  for (const name of Object.keys(services).sort()) checkService(name, childDict(services, name), model, disabled)
  for (const [name, secret] of Object.entries(childDict(model, 'secrets'))) {
    if (!isDict(secret) || secret['external'] === true) continue
    if (secret['file'] === undefined && secret['environment'] === undefined)
      refuse(`secret ${JSON.stringify(name)} must declare either \`file\` or \`environment\``)
  }
  checkCycles(services)
  checkContainerNames(services)
}

function checkContainerNames(services: Dict): void {
  const users = new Map<string, string>()
  for (const name of Object.keys(services).sort()) {
    const container = childDict(services, name)['container_name']
    if (typeof container !== 'string') continue
    const other = users.get(container)
    if (other !== undefined)
      throw new ComposeRefused(`services.${name}: container name ${JSON.stringify(container)} is already in use by service ${other}`)
    users.set(container, name)
  }
}

function refuse(reason: string): never {
  throw new ComposeRefused(`${reason}: invalid compose project`)
}

function checkService(name: string, service: Dict, model: Dict, disabled: ReadonlySet<string>): void {
  const build = childDict(service, 'build')
  if (service['build'] === undefined && (service['image'] ?? '') === '' && service['provider'] === undefined)
    refuse(`service ${JSON.stringify(name)} has neither an image nor a build context specified`)
  if (build['dockerfile'] !== undefined && build['dockerfile_inline'] !== undefined)
    refuse(`service ${JSON.stringify(name)} declares mutualy exclusive dockerfile and dockerfile_inline`)
  checkContexts(name, build, childDict(model, 'services'))
  checkPlatforms(service, build)
  checkHealth(service)
  checkReferences(name, service, model, disabled)
  checkScale(name, service)
  checkLimits(name, service)
  checkWatches(name, service)
  checkMounts(name, service)
}

/** What is built for another service can be a context of this one. */
function checkContexts(name: string, build: Dict, services: Dict): void {
  for (const [context, source] of Object.entries(childDict(build, 'additional_contexts'))) {
    if (typeof source !== 'string' || !source.startsWith('service:')) continue
    const other = source.slice('service:'.length)
    const problem = other in services ? (childDict(services, other)['build'] === undefined ? 'non-buildable' : undefined) : 'unknown'
    if (problem !== undefined)
      throw new ComposeRefused(
        `service ${JSON.stringify(name)} declares ${problem} service ${JSON.stringify(other)} as additional contexts ${context}`,
      )
  }
}

function checkPlatforms(service: Dict, build: Dict): void {
  const { platforms } = build
  const { platform } = service
  if (Array.isArray(platforms) && platforms.length > 0 && typeof platform === 'string' && platform !== '' && !platforms.includes(platform))
    refuse(`service.build.platforms MUST include service.platform ${JSON.stringify(platform)} `)
}

function checkHealth(service: Dict): void {
  const test = childDict(service, 'healthcheck')['test']
  if (Array.isArray(test) && test.length > 0 && !['CMD', 'CMD-SHELL', 'NONE'].includes(String(test[0])))
    refuse(`healthcheck.test must start either by "CMD", "CMD-SHELL" or "NONE"`)
}

function checkReferences(name: string, service: Dict, model: Dict, disabled: ReadonlySet<string>): void {
  const quoted = JSON.stringify(name)
  const mode = service['network_mode']
  const networks = Object.keys(childDict(service, 'networks'))
  if (typeof mode === 'string' && mode !== '' && networks.length > 0)
    refuse(`service ${name} declares mutually exclusive \`network_mode\` and \`networks\``)
  const known = childDict(model, 'networks')
  for (const network of networks) if (!(network in known)) refuse(`service ${quoted} refers to undefined network ${network}`)
  const services = childDict(model, 'services')
  for (const [dependency, needs] of Object.entries(childDict(service, 'depends_on')))
    if (!(dependency in services) && !(disabled.has(dependency) && isDict(needs) && needs['required'] === false))
      refuse(`service ${quoted} depends on undefined service ${JSON.stringify(dependency)}`)
  if (typeof mode === 'string' && mode.startsWith('service:') && !(mode.slice('service:'.length) in services))
    throw new ComposeRefused(`service ${JSON.stringify(mode.slice('service:'.length))} not found for network_mode '${mode}'`)
  const volumes = childDict(model, 'volumes')
  for (const volume of items(service['volumes'])) {
    const { type, source } = volume
    if (type === 'volume' && typeof source === 'string' && source !== '' && !(source in volumes))
      refuse(`service ${quoted} refers to undefined volume ${source}`)
  }
  checkMounted(
    `service ${quoted} refers to undefined build secret`,
    items(childDict(service, 'build')['secrets']),
    childDict(model, 'secrets'),
  )
  checkMounted(`service ${quoted} refers to undefined config`, items(service['configs']), childDict(model, 'configs'))
  checkMounted(`service ${quoted} refers to undefined secret`, items(service['secrets']), childDict(model, 'secrets'))
  const models = childDict(model, 'models')
  for (const one of Object.keys(childDict(service, 'models')))
    if (!(one in models)) refuse(`service ${quoted} refers to undefined model ${one}`)
}

function checkMounted(what: string, mounts: readonly Dict[], known: Dict): void {
  for (const { source } of mounts) if (!(String(source ?? '') in known)) refuse(`${what} ${String(source ?? '')}`)
}

const items = (value: Value | undefined): Dict[] => (Array.isArray(value) ? value : []).filter(isDict)

function checkScale(name: string, service: Dict): void {
  const { scale } = service
  const replicas = childDict(service, 'deploy')['replicas']
  if (scale !== undefined && replicas !== undefined && scale !== replicas)
    refuse(`services.${name}: can't set distinct values on 'scale' and 'deploy.replicas'`)
  if (typeof scale === 'number' && scale < 0) throw new ComposeRefused(`services.${name}.scale: must be greater than or equal to 0`)
  if (typeof replicas === 'number' && replicas < 0)
    throw new ComposeRefused(`services.${name}.deploy.replicas: must be greater than or equal to 0`)
  if (service['container_name'] === undefined || service['container_name'] === '') return
  const unique = `can't set container_name and ${name} as container name must be unique`
  if (typeof scale === 'number' && scale > 1) refuse(`services.scale: ${unique}`)
  if (typeof replicas === 'number' && replicas > 1) refuse(`services.deploy.replicas: ${unique}`)
}

/** Where both are given they are the same; a part of `deploy.resources` that is there and does not say it says none. */
const TWICE = [
  ['cpus', 'limits', 'cpus'],
  ['mem_limit', 'limits', 'memory'],
  ['mem_reservation', 'reservations', 'memory'],
  ['pids_limit', 'limits', 'pids'],
] as const

function checkLimits(name: string, service: Dict): void {
  const resources = childDict(childDict(service, 'deploy'), 'resources')
  for (const [key, part, limit] of TWICE) {
    const one = service[key]
    if (one !== undefined && resources[part] !== undefined && one !== childDict(resources, part)[limit])
      refuse(`services.${name}: can't set distinct values on '${key}' and 'deploy.resources.${part}.${limit}'`)
  }
}

function checkWatches(name: string, service: Dict): void {
  for (const watch of items(childDict(service, 'develop')['watch'])) {
    const { action, target } = watch
    if (action !== 'rebuild' && action !== 'restart' && (target === undefined || target === ''))
      refuse(`services.${name}.develop.watch: target is required for non-rebuild actions`)
  }
}

/** No place in a container is mounted twice. */
function checkMounts(name: string, service: Dict): void {
  const mounted = new Map<string, string>()
  const mount = (target: string, place: string): void => {
    const other = mounted.get(target)
    if (other !== undefined) throw new ComposeRefused(`${place}: target ${target} already mounted as ${other}`)
    mounted.set(target, place)
  }
  const { tmpfs } = service
  for (const [at, one] of (Array.isArray(tmpfs) ? tmpfs : []).entries())
    mount(String(one).split(':', 1)[0] ?? '', `services.${name}.tmpfs[${at}]`)
  for (const [at, volume] of items(service['volumes']).entries()) mount(String(volume['target'] ?? ''), `services.${name}.volumes[${at}]`)
}

function checkCycles(services: Dict): void {
  const done = new Set<string>()
  const walk = (name: string, trail: readonly string[]): void => {
    const at = trail.indexOf(name)
    if (at >= 0) throw new ComposeRefused(`dependency cycle detected: ${[...trail.slice(at), name].join(' -> ')}`)
    if (done.has(name) || !(name in services)) return
    for (const next of Object.keys(childDict(childDict(services, name), 'depends_on')).sort()) walk(next, [...trail, name])
    done.add(name)
  }
  for (const name of Object.keys(services).sort()) walk(name, [])
}
