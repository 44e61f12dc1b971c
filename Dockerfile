# The package with its kernels, and the demo: docker build -t elmo_np . && docker run --rm elmo_np
# What the demo writes is kept with: docker run --rm -v "$PWD:/out" elmo_np elmo-np demo --out /out/demo-out
FROM python:3.12-slim

RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*

COPY . /elmo_np
RUN pip install --no-cache-dir /elmo_np

# Without kernels the image is not built, and the demo does not run.
ENV ELMO_NP_KERNELS=require
RUN elmo-np info

WORKDIR /work
CMD ["elmo-np", "demo", "--out", "demo-out"]
