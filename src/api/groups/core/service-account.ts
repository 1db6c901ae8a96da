import { defineResource } from '../../define.ts'
import * as refs from '../../refs.gen.ts'
import type { ServiceAccount } from '../../types/core-v1.gen.ts'

const ENFORCE = 'kubernetes.io/enforce-mountable-secrets'
const WHY = 'deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets'

export const serviceAccounts = defineResource(refs.serviceaccounts, {
  strategy: {
    deleteAnswer: 'object',
    prepareForCreate: keepSecretNames,
    prepareForUpdate: keepSecretNames,
    warnings: ({ metadata }, old) =>
      metadata?.annotations?.[ENFORCE] === undefined || old?.metadata?.annotations?.[ENFORCE] !== undefined
        ? []
        : [`metadata.annotations[${ENFORCE}]: ${WHY}`],
  },
})

/** Secrets are of the same namespace: of a reference only the name counts. */
function keepSecretNames(account: ServiceAccount): void {
  if (account.secrets !== undefined) account.secrets = account.secrets.map(({ name }) => (name === undefined ? {} : { name }))
}
