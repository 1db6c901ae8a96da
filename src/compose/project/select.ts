import { type Dict, type Value, childDict, dict, isDict } from '../value.ts'

/** Without the services whose profiles are not active; `*` is every profile. */
export function withProfiles(model: Dict, active: readonly string[]): { readonly enabled: Dict; readonly disabled: ReadonlySet<string> } {
  const services = Object.entries(childDict(model, 'services'))
  const enabled = services.filter(([, service]) => {
    const profiles = isDict(service) ? service['profiles'] : undefined
    if (!Array.isArray(profiles) || profiles.length === 0) return true
    return active.includes('*') || profiles.some((profile) => active.includes(String(profile)))
  })
  const names = new Set(enabled.map(([name]) => name))
  return {
    enabled: dict([...Object.entries(model), ['services', dict(enabled)]]),
    disabled: new Set(services.map(([name]) => name).filter((name) => !names.has(name))),
  }
}

/** Without networks, volumes, secrets and configs that no service uses. */
export function withoutUnused(model: Dict): Dict {
  const services = Object.values(childDict(model, 'services')).filter(isDict)
  const sources = (key: string, of: (service: Dict) => Value | undefined = (service) => service[key]): Set<string> =>
    new Set(services.flatMap((service) => items(of(service)).map((item) => String(item['source'] ?? ''))))
  const used: Readonly<Record<string, ReadonlySet<string>>> = {
    networks: new Set(services.flatMap((service) => Object.keys(childDict(service, 'networks')))),
    volumes: new Set(
      services.flatMap((service) =>
        items(service['volumes'])
          .filter((one) => one['type'] === 'volume')
          .map((one) => String(one['source'] ?? '')),
      ),
    ),
    secrets: new Set([...sources('secrets'), ...sources('secrets', (service) => childDict(service, 'build')['secrets'])]),
    configs: sources('configs'),
    models: new Set(services.flatMap((service) => Object.keys(childDict(service, 'models')))),
  }
  return dict(
    Object.entries(model).flatMap(([key, value]) => {
      const wanted = Object.hasOwn(used, key) ? used[key] : undefined
      if (wanted === undefined || !isDict(value)) return [[key, value] as const]
      const kept = Object.entries(value).filter(([name]) => wanted.has(name))
      return kept.length === 0 ? [] : [[key, dict(kept)] as const]
    }),
  )
}

const items = (value: Value | undefined): Dict[] => (Array.isArray(value) ? value : []).filter(isDict)
