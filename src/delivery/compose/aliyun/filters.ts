import type { core } from '#api'
import { type Dict, childDict, isDict } from '#compose'
import { type Findings, objectName, pairsOf, textOf } from '../reader.ts'

/**
 * Where containers of the old container service may run is said among their environment: `constraint:LABEL==VALUE` of nodes, `affinity:WHAT==VALUE` of other
 * containers, `reschedule:on-node-failure`. `!=` says the opposite, and `~` after the sign that it is a wish. None of these is a variable of the container.
 */
export interface PlacementFilters {
  readonly nodes: readonly NodeFilter[]
  readonly neighbours: readonly NeighbourFilter[]
  /** Pods of a node that is away are not made anew elsewhere. */
  readonly staysOnNode: boolean
}
export interface NodeFilter {
  readonly requirement: core.NodeSelectorRequirement
  readonly isWish: boolean
}
export interface NeighbourFilter {
  /** Names of objects, those of the Compose services. */
  readonly services: readonly string[]
  readonly isApart: boolean
  readonly isWish: boolean
}

const FILTER = /^(?:constraint|affinity|reschedule):/
export const isFilter = (key: string): boolean => FILTER.test(key)

const RESCHEDULE_LABEL = 'com.docker.swarm.reschedule-policy'
/** What a Swarm knew of its nodes by itself, and which label of Kubernetes says the same. */
const NODE_FACTS: ReadonlyMap<string, string> = new Map([['node', 'kubernetes.io/hostname']])
const UNKNOWN_FACTS: ReadonlySet<string> = new Set(['storagedriver', 'executiondriver', 'kernelversion', 'operatingsystem', 'health'])
const LABEL_KEY = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/

interface Said {
  readonly what: string
  readonly isNot: boolean
  readonly isWish: boolean
  readonly value: string
}

export function filtersOf(name: string, service: Dict, services: Dict, findings: Findings): PlacementFilters {
  const nodes: NodeFilter[] = []
  const neighbours: NeighbourFilter[] = []
  let policy = policyOfLabel(name, service, findings)
  for (const [key, content] of Object.entries(childDict(service, 'environment'))) {
    if (!isFilter(key)) continue
    const refuse = (text: string): undefined => findings.refuse(['services', name, 'environment', key], text) as undefined
    const at = key.indexOf(':') + 1
    if (key.startsWith('reschedule:')) {
      policy = policyNamed(key.slice(at), refuse) ?? policy
      continue
    }
    const said = readSaid(key.slice(at), content === null ? undefined : String(content), refuse)
    if (said === undefined) continue
    if (key.startsWith('constraint:')) {
      const requirement = requirementOf(said, refuse)
      if (requirement !== undefined) nodes.push({ requirement, isWish: said.isWish })
    } else {
      const found = neighboursOf(said, name, services, refuse)
      if (found.length > 0) neighbours.push({ services: found, isApart: said.isNot, isWish: said.isWish })
    }
  }
  return { nodes, neighbours, staysOnNode: policy === 'off' }
}

/** `LABEL`, `==VALUE` come as the key `LABEL` and the value `=VALUE`; `LABEL!=VALUE` as `LABEL!` and `VALUE`. */
function readSaid(key: string, content: string | undefined, refuse: (text: string) => undefined): Said | undefined {
  const isNot = key.endsWith('!')
  const rest = isNot ? content : content?.startsWith('=') === true ? content.slice(1) : undefined
  const what = isNot ? key.slice(0, -1) : key
  if (rest === undefined || what === '') return refuse('write it as NAME==VALUE or NAME!=VALUE, with ~ after the sign for a wish')
  const isWish = rest.startsWith('~')
  const value = isWish ? rest.slice(1) : rest
  if (/^\/.*\/$/.test(value) || (value !== '*' && value.includes('*')))
    return refuse(`${value}: patterns are not matched here, give the whole value`)
  return { what, isNot, isWish, value }
}

function requirementOf({ what, isNot, value }: Said, refuse: (text: string) => undefined): core.NodeSelectorRequirement | undefined {
  if (UNKNOWN_FACTS.has(what)) return refuse(`nodes have no label that says ${what}`)
  const key = NODE_FACTS.get(what) ?? what
  if (!LABEL_KEY.test(key)) return refuse(`${what} is no label of a node`)
  if (value === '*') return { key, operator: isNot ? 'DoesNotExist' : 'Exists' }
  return LABEL_VALUE.test(value) ? { key, operator: isNot ? 'NotIn' : 'In', values: [value] } : refuse(`${value} is no value of a label`)
}

/** `service`, `container` and `image` are what they say; anything else is a label of services. */
function neighboursOf(
  { what, isNot, isWish, value }: Said,
  own: string,
  services: Dict,
  refuse: (text: string) => undefined,
): readonly string[] {
  const isMeant = (name: string, service: Dict): boolean => {
    if (what === 'service') return value === '*' || name === value
    if (what === 'container') return textOf(service['container_name']) === value
    if (what === 'image') return textOf(service['image']) === value
    return pairsOf(service['labels']).some(([label, text]) => label === what && (value === '*' || text === value))
  }
  const found = Object.entries(services).flatMap(([name, service]) => (isDict(service) && isMeant(name, service) ? [name] : []))
  if (found.length === 0) refuse(`no service of the project has ${what} ${value}`)
  // Next to itself is where nobody is yet: what is asked for is no more than to be together.
  if (!isNot && !isWish && found.length === 1 && found[0] === own) return []
  return found.map((name) => objectName(name) ?? name)
}

type Policy = 'on-node-failure' | 'off'

function policyNamed(text: string, refuse: (text: string) => undefined): Policy | undefined {
  return text === 'on-node-failure' || text === 'off' ? text : refuse(`${text}: on-node-failure or off`)
}

/** `["on-node-failure"]`. */
function policyOfLabel(name: string, service: Dict, findings: Findings): Policy | undefined {
  const label = pairsOf(service['labels']).find(([key]) => key === RESCHEDULE_LABEL)?.[1]
  if (label === undefined) return undefined
  const refuse = (text: string): undefined => findings.refuse(['services', name, 'labels', RESCHEDULE_LABEL], text) as undefined
  const [, policy = label] = /^\["([a-z-]+)"\]$/.exec(label.trim()) ?? []
  return policyNamed(policy, refuse)
}
