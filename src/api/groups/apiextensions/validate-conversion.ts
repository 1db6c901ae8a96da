import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import type { CustomResourceConversion } from '../../types/apiextensions-v1.gen.ts'
import { validateRequiredEnum } from '../../validation/values.ts'
import { validateReviewVersions, validateWebhookClient } from '../../validation/webhook-client.ts'

const CONVERSION = Path.of('spec', 'conversion')
const CLIENT = CONVERSION.child('webhookClientConfig')
const REVIEWS = CONVERSION.child('conversionReviewVersions')
const NOT_A_WEBHOOK = 'should not be set when strategy is not set to Webhook'

export function validateConversion({ strategy, webhook }: CustomResourceConversion, errors: FieldErrors): void {
  validateRequiredEnum(strategy, ['None', 'Webhook'], CONVERSION.child('strategy'), errors)
  const client = webhook?.clientConfig
  const reviews = webhook?.conversionReviewVersions ?? []
  if (strategy !== 'Webhook') {
    if (client !== undefined) errors.push(fieldError.forbidden(CLIENT, NOT_A_WEBHOOK))
    if (reviews.length > 0) errors.push(fieldError.forbidden(REVIEWS, NOT_A_WEBHOOK))
    return
  }
  if (client === undefined) errors.push(fieldError.required(CLIENT, 'required when strategy is set to Webhook'))
  else validateWebhookClient(client, CLIENT, errors)
  validateReviewVersions(reviews, REVIEWS, errors)
}
