import { ComposeRefused } from '../refusal.ts'
import { type Dict, type Value, childDict, isDict } from '../value.ts'

/** Rules between the parts of a project, over its enabled services. Throws `ComposeRefused`. */
export function checkConsistency(model: Dict): void {
  const services = childDict(model, 'services')
  checkCycles(services)
  for (const name of Object.keys(services).sort()) checkService(name, childDict(services, name), model)
  for (const [name, secret] of Object.entries(childDict(model, 'secrets'))) {
    if (!isDict(secret) || secret['external'] === true) continue
    if (secret['file'] === undefined && secret['environment'] === undefined)
      refuse(`secret ${JSON.stringify(name)} must declare either \`file\` or \`environment\``)
  }
}

function refuse(reason: string): never {
  throw new ComposeRefused(`${reason}: invalid compose project`)
}

function checkService(name: string, service: Dict, model: Dict): void {
  const build = childDict(service, 'build')
  if (service['build'] === undefined && (service['image'] ?? '') === '' && service['provider'] === undefined)
    refuse(`service ${JSON.stringify(name)} has neither an image nor a build context specified`)
  if (build['dockerfile'] !== undefined && build['dockerfile_inline'] !== undefined)
    refuse(`service ${JSON.stringify(name)} declares mutualy exclusive dockerfile and dockerfile_inline`)
  checkPlatforms(name, service, build)
  checkHealth(name, service)
  checkReferences(name, service, model)
  checkScale(name, service)
  checkLimits(name, service)
  checkWatches(name, service)
}

function checkPlatforms(name: string, service: Dict, build: Dict): void {
  const { platforms } = build
  const { platform } = service
  if (Array.isArray(platforms) && platforms.length > 0 && typeof platform === 'string' && platform !== '' && !platforms.includes(platform))
    refuse(`service.build.platforms MUST include service.platform ${JSON.stringify(platform)} `)
}

function checkHealth(name: string, service: Dict): void {
  const test = childDict(service, 'healthcheck')['test']
  if (Array.isArray(test) && test.length > 0 && !['CMD', 'CMD-SHELL', 'NONE'].includes(String(test[0])))
    refuse(`healthcheck.test must start either by "CMD", "CMD-SHELL" or "NONE"`)
}

function checkReferences(name: string, service: Dict, model: Dict): void {
  const quoted = JSON.stringify(name)
  const mode = service['network_mode']
  const networks = Object.keys(childDict(service, 'networks'))
  if (typeof mode === 'string' && mode !== '' && networks.length > 0)
    refuse(`service ${name} declares mutually exclusive \`network_mode\` and \`networks\``)
  const known = childDict(model, 'networks')
  for (const network of networks) if (!(network in known)) refuse(`service ${quoted} refers to undefined network ${network}`)
  const services = childDict(model, 'services')
  for (const dependency of Object.keys(childDict(service, 'depends_on')))
    if (!(dependency in services)) refuse(`service ${quoted} depends on undefined service ${JSON.stringify(dependency)}`)
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

const TWICE = [
  ['cpus', 'limits', 'cpus'],
  ['mem_limit', 'limits', 'memory'],
  ['mem_reservation', 'reservations', 'memory'],
  ['pids_limit', 'limits', 'pids'],
] as const

function checkLimits(name: string, service: Dict): void {
  const resources = childDict(childDict(service, 'deploy'), 'resources')
  for (const [key, part, limit] of TWICE) {
    const [one, other] = [service[key], childDict(resources, part)[limit]]
    if (one !== undefined && other !== undefined && one !== other)
      refuse(`services.${name}: can't set distinct values on '${key}' and 'deploy.resources.${part}.${limit}'`)
  }
}

function checkWatches(name: string, service: Dict): void {
  for (const watch of items(childDict(service, 'develop')['watch'])) {
    const { action, target } = watch
    if (action === 'rebuild' && service['build'] === undefined)
      refuse(`services.${name}.develop.watch: can't use action \`rebuild\` without a \`build\` section`)
    if (action !== 'rebuild' && action !== 'restart' && (target === undefined || target === ''))
      refuse(`services.${name}.develop.watch: target is required for non-rebuild actions`)
    if (action === 'sync+exec' && watch['exec'] === undefined)
      refuse(`services.${name}.develop.watch: can't use action \`sync+exec\` without an \`exec\` section`)
  }
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
