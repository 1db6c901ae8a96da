import type { Scope } from '#base'
import { type LabelSelector, type ResourceRef, type admissionregistration, labelSelectorOf, refs } from '#api'
import type { ObjectReader } from '../../contract.ts'
import type { Follow } from '../../registry/read/follow.ts'

type Webhook = admissionregistration.ValidatingWebhook & Pick<admissionregistration.MutatingWebhook, 'reinvocationPolicy'>

/** A webhook with what is looked at for each request made ready. */
export interface Hook {
  readonly webhook: Webhook
  /** The object that it stands in. */
  readonly configuration: string
  /** The same in each round of one request. */
  readonly id: string
  readonly namespaces: LabelSelector | undefined
  readonly objects: LabelSelector | undefined
}

/** The webhooks of all configurations, in the order of their names, as of now. */
export class Hooks {
  readonly #scope: Scope
  readonly #reader: ObjectReader
  readonly #follow: Follow
  readonly #ref: ResourceRef<{ metadata?: { name?: string | undefined } | undefined; webhooks?: Webhook[] | undefined }>
  #hooks: readonly Hook[] | undefined
  #isFollowing = false

  constructor(scope: Scope, reader: ObjectReader, follow: Follow, kind: 'mutating' | 'validating') {
    this.#scope = scope
    this.#reader = reader
    this.#follow = follow
    this.#ref = kind === 'mutating' ? refs.mutatingwebhookconfigurations : refs.validatingwebhookconfigurations
  }

  current(): readonly Hook[] {
    if (this.#hooks !== undefined) return this.#hooks
    if (!this.#isFollowing) {
      this.#isFollowing = true
      this.#follow(this.#scope, this.#ref, () => {
        this.#hooks = undefined
      })
    }
    const configurations = [...this.#reader.list(this.#ref)].sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1))
    this.#hooks = configurations.flatMap(({ metadata, webhooks = [] }) =>
      webhooks.map((webhook, at) => hookOf(webhook, metadata?.name ?? '', at)),
    )
    return this.#hooks
  }
}

function hookOf(webhook: Webhook, configuration: string, at: number): Hook {
  return {
    webhook,
    configuration,
    id: `${configuration}/${webhook.name}/${at}`,
    namespaces: selectorOf(webhook.namespaceSelector),
    objects: selectorOf(webhook.objectSelector),
  }
}

/** Undefined for one that selects everything. */
export function selectorOf(selector: Webhook['namespaceSelector']): LabelSelector | undefined {
  const isEmpty = Object.keys(selector?.matchLabels ?? {}).length === 0 && (selector?.matchExpressions ?? []).length === 0
  return selector === undefined || isEmpty ? undefined : labelSelectorOf(selector)
}
