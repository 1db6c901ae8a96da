import type { resource } from '#api'

/** What devices of one claim must have in common, or must not. Devices are added and taken away in reverse. */
export interface Constraint {
  /** False when the device does not go with those that were added; it is not added then. */
  add(request: RequestName, driver: string, device: resource.Device): boolean
  remove(request: RequestName): void
}

/** `base`, and `base/alternative` for one of several. */
export interface RequestName {
  readonly base: string
  readonly alternative: string | undefined
}

export const requestText = ({ base, alternative }: RequestName): string => (alternative === undefined ? base : `${base}/${alternative}`)

export function constraintOf({ requests = [], matchAttribute, distinctAttribute }: resource.DeviceConstraint): Constraint {
  const concerns = (name: RequestName): boolean =>
    requests.length === 0 || requests.includes(name.base) || requests.includes(requestText(name))
  const name = matchAttribute ?? distinctAttribute ?? ''
  const isDistinct = matchAttribute === undefined
  const values: string[] = []
  return {
    add(request, driver, device) {
      if (!concerns(request)) return true
      const value = attributeOf(device, driver, name)
      if (value === undefined) return false
      if (isDistinct ? values.includes(value) : values.length > 0 && values[0] !== value) return false
      values.push(value)
      return true
    },
    remove(request) {
      if (concerns(request)) values.pop()
    },
  }
}

/** As a text that is the same for the same value of the same type. A driver's own attributes may be named without its domain. */
function attributeOf({ attributes = {} }: resource.Device, driver: string, name: string): string | undefined {
  const slash = name.indexOf('/')
  const found = attributes[name] ?? (name.slice(0, slash) === driver ? attributes[name.slice(slash + 1)] : undefined)
  if (found === undefined) return undefined
  const { string, int, bool, version } = found
  return string === undefined && int === undefined && bool === undefined && version === undefined
    ? undefined
    : JSON.stringify([string, int, bool, version])
}
