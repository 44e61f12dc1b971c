"""Files: models, runs, published weights and vectors, as they are on disk.

    safetensors_file    named arrays and text, with a digest: what every file of ours is made of
    model_file, run_directory   a model, and the files of a training run
    npz, hdf5, npz_to_hdf5      arrays of a text; an .npz can be interrupted
    word2vec_files      word2vec's formats and the tables of the TensorBoard projector
    bilm_tf_options, bilm_tf_reader, bilm_tf_writer     published weights of the original ELMo
    published           zips, directories and other published models as they are: finds the files, and their reader
    torch_language_model        language models of PyTorch
    named_arrays        an open file of arrays, whatever its format: hdf5, tf_checkpoint or torch_file
    tf_checkpoint, crc32c       checkpoints of TensorFlow
    torch_file, pickled_tensors, zip_reader     files of PyTorch, the pickles in them, and zips

Almost everything here is frozen, because files depend on it: FORMAT, the metadata keys and dtypes of safetensors_file,
the names of arrays (those of nn.parameter.parameters), the file names of RunDirectory, the header fields of npz, and
the names and layouts of bilm-tf. Runs of version 0.1 in tests/whole/models_of_0_1 must load. You may change the
messages, and how much is read at a time; a new format gets a module of its own.
"""
