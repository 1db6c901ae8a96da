import type { Resource, Verb } from '../resource.ts'
import type { Dialect, Json } from './dialect.ts'
import { type OperationTypes, connectOperation, operation } from './operations.ts'
import { actionText, connectText, subresourceText } from './operation-texts.ts'
import { CONNECT_PARAMETERS, type DescribeParameter, PARAMETERS, parameters, pathItem } from './parameters.ts'

/** The types that are spoken on the paths of a resource, asked for when a path needs them. */
export interface ResourceTypes {
  object(): Json
  list(): Json
  watchEvent(): Json
  status(): Json
  deleteOptions(): Json
  patch(): Json
  subresource(name: string): Json
  /** What a parameter means. */
  readonly parameter: DescribeParameter
}

/** All paths of a resource, in the words of kube-apiserver. */
export function resourcePaths(dialect: Dialect, resource: Resource, types: ResourceTypes): Record<string, Json> {
  return new PathWriter(dialect, resource, types).paths()
}

export function groupPath(group: string, version: string): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`
}

/** `AppsV1` of `apps/v1`, `RbacAuthorizationV1` of `rbac.authorization.k8s.io/v1`. */
export function groupTitle(group: string, version: string): string {
  const words = group === '' ? 'core' : group.replace(/\.k8s\.io$/, '')
  return [...words.split(/[.-]/), version].map(capital).join('')
}

/** `apps_v1`: the tag of a group's operations. */
export function groupTag(group: string, version: string): string {
  const title = groupTitle(group, version).slice(0, -version.length)
  return `${title.charAt(0).toLowerCase()}${title.slice(1)}_${version}`
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

const PATH_TEXTS: Readonly<Record<string, string>> = {
  namespace: 'object name and auth scope, such as for teams and projects',
  path: 'path to the resource',
}

class PathWriter {
  readonly #dialect: Dialect
  readonly #resource: Resource
  readonly #types: ResourceTypes
  readonly #paths: Record<string, Json> = {}
  readonly #title: string
  readonly #scope: string

  constructor(dialect: Dialect, resource: Resource, types: ResourceTypes) {
    this.#dialect = dialect
    this.#resource = resource
    this.#types = types
    this.#title = groupTitle(resource.group, resource.version)
    this.#scope = resource.namespaced ? 'Namespaced' : ''
  }

  paths(): Record<string, Json> {
    const { group, version, plural, namespaced, verbs } = this.#resource
    const base = groupPath(group, version)
    const inNamespace = namespaced ? ['namespace'] : []
    const home = namespaced ? `/namespaces/{namespace}/${plural}` : `/${plural}`
    this.#collection(`${base}${home}`, inNamespace)
    this.#item(`${base}${home}/{name}`, [...inNamespace, 'name'])
    for (const name of Object.keys(this.#resource.subresources))
      this.#subresource(`${base}${home}/{name}/${name}`, name, [...inNamespace, 'name'])
    if (verbs.has('list') && namespaced) this.#everywhere(`${base}/${plural}`)
    if (verbs.has('watch') && this.#resource.rules === undefined) this.#watches(base, home, inNamespace)
    return this.#paths
  }

  #id(action: string, suffix = '', scope = this.#scope): string {
    return `${action}${this.#title}${scope}${this.#resource.kind}${suffix}`
  }

  #operation(
    action: string,
    id: string,
    of: Partial<OperationTypes> & {
      readonly query?: readonly string[]
      readonly kind?: Json
      readonly media?: readonly string[]
      readonly subresource?: string
    },
  ): Json {
    const { group, version, kind, verbs } = this.#resource
    return operation(this.#dialect, {
      action,
      id,
      tag: groupTag(group, version),
      kind: of.kind ?? { group, version, kind },
      description:
        of.subresource === undefined ? actionText(action, kind, verbs.has('watch')) : subresourceText(action, of.subresource, kind),
      query: this.#parameters(action === 'patch' ? 'patch' : '', of.query ?? []),
      isCustom: this.#resource.typedItems,
      answer: of.answer ?? this.#types.object(),
      ...(of.media === undefined ? {} : { media: of.media }),
      ...(of.body === undefined ? {} : { body: of.body }),
      ...(of.codes === undefined ? {} : { codes: of.codes }),
    })
  }

  /** `kind`: whose name is in the path. */
  #parameters(of: string, query: readonly string[], inPath: readonly string[] = [], kind: unknown = this.#resource.kind): Json[] {
    return parameters(
      this.#dialect,
      (name, place) => {
        if (place === 'query') return this.#types.parameter(name, of)
        return name === 'name' ? `name of the ${kind}` : PATH_TEXTS[name]
      },
      query,
      inPath,
    )
  }

  #collection(path: string, inPath: readonly string[]): void {
    const types = this.#types
    const all: readonly (readonly [verb: Verb, method: string, make: () => Json])[] = [
      ['list', 'get', () => this.#operation('list', this.#id('list'), { query: PARAMETERS.list, answer: types.list() })],
      [
        'create',
        'post',
        () => this.#operation('post', this.#id('create'), { query: PARAMETERS.write, body: types.object(), codes: [200, 201, 202] }),
      ],
      [
        'deletecollection',
        'delete',
        () =>
          this.#operation('deletecollection', this.#id('delete', '', `Collection${this.#scope}`), {
            query: PARAMETERS.deletecollection,
            body: types.deleteOptions(),
            answer: types.status(),
          }),
      ],
    ]
    this.#add(path, all, ['pretty'], inPath)
  }

  #item(path: string, inPath: readonly string[]): void {
    const types = this.#types
    const { deleteAnswer, describedDeleteAnswer = deleteAnswer } = this.#resource.strategy
    const deleted = (): Json => (describedDeleteAnswer === 'object' ? types.object() : types.status())
    const all: readonly (readonly [verb: Verb, method: string, make: () => Json])[] = [
      ['get', 'get', () => this.#operation('get', this.#id('read'), {})],
      [
        'update',
        'put',
        () => this.#operation('put', this.#id('replace'), { query: PARAMETERS.write, body: types.object(), codes: [200, 201] }),
      ],
      [
        'delete',
        'delete',
        () =>
          this.#operation('delete', this.#id('delete'), {
            query: PARAMETERS.delete,
            body: types.deleteOptions(),
            answer: deleted(),
            codes: [200, 202],
          }),
      ],
      [
        'patch',
        'patch',
        () => this.#operation('patch', this.#id('patch'), { query: PARAMETERS.patch, body: types.patch(), codes: [200, 201] }),
      ],
    ]
    this.#add(path, all, ['pretty'], inPath)
  }

  #subresource(path: string, name: string, inPath: readonly string[]): void {
    const subresource = this.#resource.subresources[name]
    if (subresource === undefined) return
    const { group, version, kind } = this.#resource
    const isScale = subresource.type === 'scale'
    const spoken = subresource.type === 'special' ? subresource.speaks : undefined
    const spokenKind: Json = isScale ? { group: 'autoscaling', version: 'v1', kind: 'Scale' } : { ...(spoken ?? { group, version, kind }) }
    const type = (): Json => this.#types.subresource(name)
    const connect = CONNECT_PARAMETERS[name]
    const suffix = capital(name)
    const verbs = subresource.type === 'special' ? subresource.verbs : ['get', 'patch', 'update']
    if (connect !== undefined && name !== 'log') {
      const methods = name === 'proxy' ? ['get', 'put', 'post', 'delete', 'options', 'head', 'patch'] : ['get', 'post']
      this.#connect(path, methods, name, spokenKind, connect, inPath)
      if (name === 'proxy') this.#connect(`${path}/{path}`, methods, name, spokenKind, connect, [...inPath, 'path'])
      return
    }
    const all: readonly (readonly [verb: string, method: string, make: () => Json])[] = [
      [
        'get',
        'get',
        () =>
          this.#operation(
            'get',
            this.#id('read', suffix),
            name === 'log'
              ? { answer: { type: 'string' }, media: ['text/plain'], kind: spokenKind, subresource: name }
              : { answer: type(), kind: spokenKind, subresource: name },
          ),
      ],
      [
        'create',
        'post',
        () =>
          this.#operation('post', this.#id('create', suffix), {
            query: PARAMETERS.write,
            answer: type(),
            body: type(),
            kind: spokenKind,
            subresource: name,
            codes: [200, 201, 202],
          }),
      ],
      [
        'update',
        'put',
        () =>
          this.#operation('put', this.#id('replace', suffix), {
            query: PARAMETERS.write,
            answer: type(),
            body: type(),
            kind: spokenKind,
            subresource: name,
            codes: [200, 201],
          }),
      ],
      [
        'patch',
        'patch',
        () =>
          this.#operation('patch', this.#id('patch', suffix), {
            query: PARAMETERS.patch,
            answer: type(),
            body: this.#types.patch(),
            kind: spokenKind,
            subresource: name,
            codes: [200, 201],
          }),
      ],
    ]
    const methods = all.filter(([verb]) => verbs.includes(verb)).map(([, method, make]): [string, Json] => [method, make()])
    const inCommon =
      name === 'log'
        ? this.#parameters(`${kind}/log`, [...(connect ?? []), 'pretty'], inPath)
        : this.#parameters('', ['pretty'], inPath, spokenKind['kind'])
    this.#paths[path] = pathItem(Object.fromEntries(methods), inCommon)
  }

  #connect(path: string, methods: readonly string[], name: string, kind: Json, query: readonly string[], inPath: readonly string[]): void {
    const { group, version } = this.#resource
    const suffix = `${capital(name)}${inPath.includes('path') ? 'WithPath' : ''}`
    const operations = methods.map((method): [string, Json] => [
      method,
      connectOperation(
        this.#dialect,
        `connect${this.#title}${capital(method)}${this.#scope}${this.#resource.kind}${suffix}`,
        groupTag(group, version),
        kind,
        connectText(method, name, this.#resource.kind),
      ),
    ])
    this.#paths[path] = pathItem(
      Object.fromEntries(operations),
      this.#parameters(`${this.#resource.kind}/${name}`, query, inPath, kind['kind']),
    )
  }

  #everywhere(path: string): void {
    const get = this.#operation('list', this.#id('list', 'ForAllNamespaces', ''), { query: PARAMETERS.list, answer: this.#types.list() })
    this.#paths[path] = pathItem({ get }, this.#parameters('', ['pretty']))
  }

  #watches(base: string, home: string, inNamespace: readonly string[]): void {
    const { plural, namespaced } = this.#resource
    const watch = (path: string, action: string, id: string, inPath: readonly string[]): void => {
      const get = this.#operation(action, id, { query: PARAMETERS.list, answer: this.#types.watchEvent() })
      this.#paths[`${base}/watch${path}`] = pathItem({ get }, this.#parameters('', ['pretty'], inPath))
    }
    watch(home, 'watchlist', this.#id('watch', 'List'), inNamespace)
    watch(`${home}/{name}`, 'watch', this.#id('watch'), [...inNamespace, 'name'])
    if (namespaced) watch(`/${plural}`, 'watchlist', this.#id('watch', 'ListForAllNamespaces', ''), [])
  }

  #add(
    path: string,
    all: readonly (readonly [verb: Verb, method: string, make: () => Json])[],
    query: readonly string[],
    inPath: readonly string[],
  ): void {
    const methods = all.filter(([verb]) => this.#resource.verbs.has(verb)).map(([, method, make]): [string, Json] => [method, make()])
    if (methods.length > 0) this.#paths[path] = pathItem(Object.fromEntries(methods), this.#parameters('', query, inPath))
  }
}
