declare module "swagger-ui-dist/swagger-ui-bundle.js" {
  interface SwaggerRequest {
    method?: string;
    headers: Record<string, string>;
  }
  interface SwaggerOptions {
    url: string;
    dom_id: string;
    deepLinking: boolean;
    docExpansion: "none" | "list" | "full";
    validatorUrl: null;
    requestInterceptor: (request: SwaggerRequest) => Promise<SwaggerRequest>;
  }
  export default function SwaggerUI(options: SwaggerOptions): unknown;
}

declare module "redoc/bundles/redoc.standalone.js" {
  const Redoc: {
    init(specUrl: string, options: { hideDownloadButton: boolean; nativeScrollbars: boolean }, element: HTMLElement): void;
  };
  export default Redoc;
}
