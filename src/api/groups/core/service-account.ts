import { defineResource } from '../../define.ts'
import * as refs from '../../refs.gen.ts'

export const serviceAccounts = defineResource(refs.serviceaccounts, { strategy: { deleteAnswer: 'object' } })
