import type { Project } from '../project/project.ts'
import { childDict } from '../value.ts'

export const LISTS = ['services', 'volumes', 'networks', 'profiles', 'images'] as const
export type ListName = (typeof LISTS)[number]

/** Names of one sort in a project, one a line, as `config --services` and its kin print them. */
export function printList(project: Project, list: ListName): string {
  return namesOf(project, list)
    .map((name) => `${name}\n`)
    .join('')
}

function namesOf({ config, profiles }: Project, list: ListName): readonly string[] {
  const services = childDict(config, 'services')
  const names = Object.keys(services).sort()
  if (list === 'services') return names
  if (list === 'profiles') return profiles
  if (list === 'images') {
    return names.map((name) => {
      const { image } = childDict(services, name)
      return typeof image === 'string' ? image : `${String(config['name'])}-${name}`
    })
  }
  return Object.keys(childDict(config, list)).sort()
}
